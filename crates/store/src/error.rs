//! What can go wrong when things are kept.

/// The result of every store function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique or foreign key forbids it; names the constraint as the database does.
    #[error("the database refuses a duplicate or dangling entry ({0})")]
    Conflict(String),
    /// The database cannot be reached or cannot write. Nothing was kept; trying again later may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database was written by a newer Doorward.
    #[error(
        "the database is at version {found}, this Doorward knows up to {known}: it was used by a newer Doorward; \
         start that version, or restore the copy made before the upgrade"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Latest version this binary knows.
        known: i64,
    },
    /// A row holds what Doorward never writes.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(String),
    /// A statement and its values do not fit together: a fault of Doorward's.
    #[error("a query failed: {0}")]
    Query(String),
    /// An operation refused to go on; its transaction is rolled back.
    #[error("rolled back")]
    Rollback,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::ConstraintViolation) => Self::Conflict(error.to_string()),
            Some(
                Code::DiskFull
                | Code::DatabaseBusy
                | Code::DatabaseLocked
                | Code::SystemIoFailure
                | Code::CannotOpen
                | Code::ReadOnly
                | Code::OutOfMemory
                | Code::PermissionDenied
                | Code::OperationInterrupted,
            ) => Self::Unavailable(error.to_string()),
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Query(error.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        // Class 23: integrity constraint violation. 22, 42: data exception, syntax or access rule.
        match error.as_db_error() {
            Some(db) if db.code().code().starts_with("23") => {
                Self::Conflict(db.constraint().unwrap_or_else(|| db.message()).to_owned())
            }
            Some(db) if ["22", "42"].iter().any(|class| db.code().code().starts_with(class)) => {
                Self::Query(format!("{} ({})", db.message(), db.code().code()))
            }
            Some(db) => Self::Unavailable(format!("{} ({})", db.message(), db.code().code())),
            None => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<doorward_core::cipher::CannotOpen> for Error {
    fn from(error: doorward_core::cipher::CannotOpen) -> Self {
        Self::Corrupt(error.to_string())
    }
}
