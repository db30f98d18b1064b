//! Rows that a statement returns.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

use crate::error::Error;

/// A row of either database, read by the names of its columns.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn get<'r, T>(&'r self, column: &str) -> Result<T, Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        let value = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        value.map_err(Error::from)
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, Error> {
        self.get(column)
    }

    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, Error> {
        self.int(column)?.try_into().map_err(|_| Error::decode(column))
    }

    pub(crate) fn optional_int(&self, column: &str) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>, Error> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, Error> {
        Timestamp::from_microsecond(self.int(column)?).map_err(|_| Error::decode(column))
    }

    pub(crate) fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        if self.optional_int(column)?.is_some() { self.time(column).map(Some) } else { Ok(None) }
    }

    pub(crate) fn optional_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        self.get(column)
    }

    /// Parses text that was written from the type.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, column: &str) -> Result<T, Error> {
        self.text(column)?.parse().map_err(|_| Error::decode(column))
    }

    pub(crate) fn optional_parsed<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        if self.optional_text(column)?.is_some() { self.parsed(column).map(Some) } else { Ok(None) }
    }
}
