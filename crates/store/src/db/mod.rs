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
pub use tx::{STATEMENTS, Tx};
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
    commits: Commits,
}

/// A count of commits, moved where they are made: a caller that gave up would not move it.
#[derive(Clone, Default)]
struct Commits(Arc<AtomicU64>);

impl Commits {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
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
        let commits = Commits::default();
        Ok(Self { kind: Kind::Sqlite(sqlite::Sqlite::open(path, commits.clone())?), commits })
    }

    /// Connects to `PostgreSQL` by a URL (`postgres://user:password@host:port/database?sslmode=…`).
    ///
    /// # Errors
    /// If the URL cannot be read. Connections are made when needed, so a server that is down shows later.
    pub fn postgres(url: &str) -> Result<Self> {
        let commits = Commits::default();
        Ok(Self { kind: Kind::Postgres(postgres::Postgres::connect(url, commits.clone())?), commits })
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
    /// an error. The closure awaits nothing but its [`Tx`]. Once begun it is brought to its end, and counted, even if
    /// nobody waits for it any more.
    ///
    /// # Errors
    /// What the closure returns, or that the database cannot be reached or written.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        match &self.kind {
            Kind::Sqlite(db) => db.write(work).await,
            Kind::Postgres(db) => db.write(work).await,
        }
    }

    /// Moves with every transaction that this process has committed, before its caller hears of it. Whoever keeps something in memory looks whether it is still
    /// what is in the database when this has moved.
    pub fn commits(&self) -> u64 {
        self.commits.get()
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
