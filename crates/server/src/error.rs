//! Why an operation did not happen.

use doorward_core::problem::Problems;

/// The error of every operation that people or programs ask for.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The input is wrong; says what, field by field.
    #[error("{0}")]
    Invalid(#[from] Problems),
    /// There is no such thing.
    #[error("there is no {kind} \"{name}\"")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// What it was called.
        name: String,
    },
    /// The actor may not.
    #[error("{0}")]
    Denied(String),
    /// The database says no.
    #[error(transparent)]
    Store(#[from] doorward_store::Error),
    /// NetBox did not do what it was asked.
    #[error(transparent)]
    NetBox(#[from] crate::netbox::NetBoxError),
    /// Something that should work did not.
    #[error("{0}")]
    Internal(String),
}

/// The result of an operation.
pub type OperationResult<T> = Result<T, OperationError>;

impl OperationError {
    /// There is no such thing.
    pub fn not_found(kind: &'static str, name: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, name: name.to_string() }
    }

    /// A single problem with a field.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(Problems::one(field, message))
    }
}
