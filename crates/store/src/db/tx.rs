//! A transaction, or a connection for reading.

use super::{FromRow, Row, Value};
use crate::{Error, Result};
use tokio_postgres::types::ToSql;

/// Where statements run. Clones of the statements' plans are kept per connection.
pub enum Tx<'c> {
    /// On `SQLite`, in place.
    Sqlite(&'c mut rusqlite::Connection),
    /// Inside a `PostgreSQL` transaction.
    Postgres(deadpool_postgres::Transaction<'c>),
    /// On `PostgreSQL`, outside of one.
    PostgresRead(&'c deadpool_postgres::Client),
}

/// Target of the trace of every statement, without its values: what a request costs can be counted.
pub const STATEMENTS: &str = "doorward_store::statements";

/// Names of placeholders: `SQLite` numbers `$1` by first appearance, so values are bound by name.
const NAMES: [&str; 30] = [
    "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17",
    "$18", "$19", "$20", "$21", "$22", "$23", "$24", "$25", "$26", "$27", "$28", "$29", "$30",
];

impl Tx<'_> {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// If the statement fails or a row does not fit.
    pub async fn fetch<T: FromRow>(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<T>> {
        tracing::trace!(target: STATEMENTS, sql);
        match self {
            Self::Sqlite(connection) => fetch_sqlite(connection, sql, values),
            Self::Postgres(tx) => {
                let statement = tx.prepare_cached(sql).await?;
                from_postgres(&tx.query(&statement, &parameters(values)).await?)
            }
            Self::PostgresRead(client) => {
                let statement = client.prepare_cached(sql).await?;
                from_postgres(&client.query(&statement, &parameters(values)).await?)
            }
        }
    }

    /// Runs a statement that returns at most one row.
    ///
    /// # Errors
    /// As [`Tx::fetch`].
    pub async fn fetch_optional<T: FromRow>(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<T>> {
        Ok(self.fetch(sql, values).await?.pop())
    }

    /// Runs a statement that always returns one row.
    ///
    /// # Errors
    /// As [`Tx::fetch`], and if there is no row.
    pub async fn fetch_one<T: FromRow>(&mut self, sql: &'static str, values: &[Value]) -> Result<T> {
        let row = self.fetch_optional(sql, values).await?;
        row.ok_or_else(|| Error::Corrupt(format!("no row where one must be: {sql}")))
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// If the statement fails.
    pub async fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64> {
        tracing::trace!(target: STATEMENTS, sql);
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                bind(&mut statement, values)?;
                Ok(u64::try_from(statement.raw_execute()?).unwrap_or(u64::MAX))
            }
            Self::Postgres(tx) => {
                let statement = tx.prepare_cached(sql).await?;
                Ok(tx.execute(&statement, &parameters(values)).await?)
            }
            Self::PostgresRead(_) => Err(Error::Query("a write outside of a transaction".to_owned())),
        }
    }

    /// Runs statements of a migration, which have no values.
    pub(crate) async fn batch(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(tx) => Ok(tx.batch_execute(sql).await?),
            Self::PostgresRead(_) => Err(Error::Query("a migration outside of a transaction".to_owned())),
        }
    }

    /// Whether this is the embedded database: for migrations only, queries do not ask.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, values: &[Value]) -> Result<()> {
    if values.len() > NAMES.len() {
        return Err(Error::Query("more values than placeholders have names".to_owned()));
    }
    for (name, value) in NAMES.iter().zip(values) {
        let index = statement
            .parameter_index(name)?
            .ok_or_else(|| Error::Query(format!("no placeholder {name} for a value")))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

fn fetch_sqlite<T: FromRow>(connection: &rusqlite::Connection, sql: &'static str, values: &[Value]) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(T::from_row(&Row::Sqlite(row))?);
    }
    Ok(found)
}

fn from_postgres<T: FromRow>(rows: &[tokio_postgres::Row]) -> Result<Vec<T>> {
    rows.iter().map(|row| T::from_row(&Row::Postgres(row))).collect()
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
