//! Rows, the same from either database.

use doorward_core::clock::from_millis;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::{fmt::Display, str::FromStr};

use crate::{Error, Result};

/// One row of an answer.
pub enum Row<'r> {
    /// From `SQLite`.
    Sqlite(&'r rusqlite::Row<'r>),
    /// From `PostgreSQL`.
    Postgres(&'r tokio_postgres::Row),
}

/// A type a column can be read as.
pub trait Column: Sized {
    /// Reads column `index`, counted from 0.
    ///
    /// # Errors
    /// If there is no such column or it is of another type.
    fn get(row: &Row<'_>, index: usize) -> Result<Self>;
}

macro_rules! column {
    ($($type:ty),*) => { $(
        impl Column for $type {
            fn get(row: &Row<'_>, index: usize) -> Result<Self> {
                match row {
                    Row::Sqlite(row) => Ok(row.get(index)?),
                    Row::Postgres(row) => Ok(row.try_get(index)?),
                }
            }
        }
    )* };
}
column!(i64, bool, String, Vec<u8>, Option<i64>, Option<bool>, Option<String>, Option<Vec<u8>>);

/// What can be made from a row.
pub trait FromRow: Sized {
    /// Makes it.
    ///
    /// # Errors
    /// If the row holds something else than it should.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}

impl Row<'_> {
    /// Column `index`, counted from 0.
    ///
    /// # Errors
    /// If there is no such column or it is of another type.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        T::get(self, index)
    }

    /// A text column as something that can be parsed, such as an identifier.
    ///
    /// # Errors
    /// If the text cannot be parsed.
    pub fn parse<T: FromStr<Err: Display>>(&self, index: usize) -> Result<T> {
        let text: String = self.get(index)?;
        text.parse().map_err(|error| Error::Corrupt(format!("column {index}: {error}")))
    }

    /// A text column that may be NULL, parsed.
    ///
    /// # Errors
    /// If the text cannot be parsed.
    pub fn parse_optional<T: FromStr<Err: Display>>(&self, index: usize) -> Result<Option<T>> {
        let text: Option<String> = self.get(index)?;
        let parse = |text: String| text.parse().map_err(|error| Error::Corrupt(format!("column {index}: {error}")));
        text.map(parse).transpose()
    }

    /// A text column as one of the names a choice has.
    ///
    /// # Errors
    /// If it is no such name.
    pub fn choice<T>(&self, index: usize, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let text: String = self.get(index)?;
        parse(&text).ok_or_else(|| Error::Corrupt(format!("column {index}: unknown value {text:?}")))
    }

    /// A column of milliseconds as a time.
    ///
    /// # Errors
    /// If it is no number.
    pub fn time(&self, index: usize) -> Result<Timestamp> {
        Ok(from_millis(self.get(index)?))
    }

    /// A column of milliseconds that may be NULL.
    ///
    /// # Errors
    /// If it is no number.
    pub fn time_optional(&self, index: usize) -> Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>(index)?.map(from_millis))
    }

    /// A text column that holds JSON.
    ///
    /// # Errors
    /// If it is not the JSON expected.
    pub fn json<T: DeserializeOwned>(&self, index: usize) -> Result<T> {
        let text: String = self.get(index)?;
        serde_json::from_str(&text).map_err(|error| Error::Corrupt(format!("column {index}: {error}")))
    }
}

impl FromRow for i64 {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.get(0)
    }
}

impl FromRow for String {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.get(0)
    }
}

impl<A: FromStr<Err: Display>, B: FromStr<Err: Display>> FromRow for (A, B) {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok((row.parse(0)?, row.parse(1)?))
    }
}
