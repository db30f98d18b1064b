//! Values that go into a statement.

use jiff::Timestamp;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Postgres, Sqlite};

use crate::error::Error;

/// One value of a statement: the three kinds that both databases know alike. `None` is SQL's NULL of that kind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The values of a statement in the order of its `$1`, `$2`, …
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Value::from($value)),*] };
}
pub(crate) use values;

impl Value {
    pub(crate) fn sqlite(values: Vec<Self>) -> Result<SqliteArguments, Error> {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(values.len(), 0);
        for value in values {
            let added = match value {
                Self::Int(int) => sqlx::Arguments::add(&mut arguments, int),
                Self::Text(text) => sqlx::Arguments::add(&mut arguments, text),
                Self::Bytes(bytes) => sqlx::Arguments::add(&mut arguments, bytes),
            };
            added.map_err(|source| Error::from(sqlx::Error::Encode(source)))?;
        }
        debug_assert_eq!(<Sqlite as sqlx::Database>::NAME, "SQLite");
        Ok(arguments)
    }

    pub(crate) fn postgres(values: Vec<Self>) -> Result<PgArguments, Error> {
        let mut arguments = PgArguments::default();
        arguments.reserve(values.len(), 0);
        for value in values {
            let added = match value {
                Self::Int(int) => arguments.add(int),
                Self::Text(text) => arguments.add(text),
                Self::Bytes(bytes) => arguments.add(bytes),
            };
            added.map_err(|source| Error::from(sqlx::Error::Encode(source)))?;
        }
        debug_assert_eq!(<Postgres as sqlx::Database>::NAME, "PostgreSQL");
        Ok(arguments)
    }
}

/// Microseconds since 1970, as times are kept.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

macro_rules! from {
    ($($kind:ident: $type:ty => $convert:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$kind(Some($convert(value)))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map($convert))
            }
        }
    )*};
}

from! {
    Int: i64 => std::convert::identity,
    Int: i32 => i64::from,
    Int: u32 => i64::from,
    Int: bool => i64::from,
    Int: Timestamp => micros,
    Text: String => std::convert::identity,
    Text: &str => str::to_owned,
    Text: &String => String::clone,
    Bytes: Vec<u8> => std::convert::identity,
    Bytes: &[u8] => <[u8]>::to_vec,
    Bytes: [u8; 32] => Vec::from,
}
