//! One SQL text, two databases: `SQLite`, called in place, and `PostgreSQL`, awaited.
//!
//! The SQL is what both understand: TEXT, BIGINT, BOOLEAN, BYTEA; `$1` placeholders; `ON CONFLICT`, `RETURNING`,
//! common table expressions. Identifiers are text, times are milliseconds since the Unix epoch.

mod postgres;
mod row;
mod sqlite;
mod tx;
mod value;

pub use futures::future::BoxFuture;
pub use row::{Column, FromRow, Row};
pub use tx::Tx;
pub use value::Value;

use crate::Result;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A database. Clones share connections.
#[derive(Clone)]
pub struct Db {
    kind: Kind,
    commits: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Kind {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Db {
    /// Opens or makes a `SQLite` database.
    ///
    /// # Errors
    /// If the file cannot be opened or is no database.
    pub fn sqlite(path: &Path) -> Result<Self> {
        Ok(Self::over(Kind::Sqlite(sqlite::Sqlite::open(path)?)))
    }

    /// Connects to `PostgreSQL` by a URL (`postgres://user:password@host:port/database?sslmode=…`).
    ///
    /// # Errors
    /// If the URL cannot be read. Connections are made when needed, so a server that is down shows later.
    pub fn postgres(url: &str) -> Result<Self> {
        Ok(Self::over(Kind::Postgres(postgres::Postgres::connect(url)?)))
    }

    /// Reads. Statements run one by one and may see what is committed between them. The closure awaits nothing but
    /// its [`Tx`].
    ///
    /// # Errors
    /// What the closure returns, or that the database cannot be reached.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>> + Send,
    {
        match &self.kind {
            Kind::Sqlite(db) => db.read(work),
            Kind::Postgres(db) => db.read(work).await,
        }
    }

    /// Writes in one transaction, which is durable when this returns `Ok` and leaves nothing behind when it returns
    /// an error. The closure awaits nothing but its [`Tx`].
    ///
    /// # Errors
    /// What the closure returns, or that the database cannot be reached or written.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let written = match &self.kind {
            Kind::Sqlite(db) => db.write(work).await,
            Kind::Postgres(db) => db.write(work).await,
        };
        if written.is_ok() {
            self.commits.fetch_add(1, Ordering::Release);
        }
        written
    }

    /// How many transactions this process has committed. Whoever keeps something in memory looks whether it is still
    /// what is in the database when this has moved.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    fn over(kind: Kind) -> Self {
        Self { kind, commits: Arc::default() }
    }

    /// Whether this is the embedded database.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.kind, Kind::Sqlite(_))
    }

    /// At the end of a process: moves what was committed into an embedded database's file. Nothing is lost without it.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn checkpoint(&self) -> Result<()> {
        match &self.kind {
            Kind::Sqlite(db) => db.checkpoint(),
            Kind::Postgres(_) => Ok(()),
        }
    }

    /// Writes a consistent copy of an embedded database. `PostgreSQL` has its own tools for that; nothing is done.
    ///
    /// # Errors
    /// If the copy cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<()> {
        match &self.kind {
            Kind::Sqlite(db) => db.copy_to(path),
            Kind::Postgres(_) => Ok(()),
        }
    }
}
