//! Two databases behind one seam: connections, transactions, values and rows.
//!
//! A statement is written once, in the SQL that both understand, with 64-bit integers, text and bytes. What must differ is
//! chosen by [`Backend::pick`], next to the statement. Nothing here knows a table.

mod postgres;
mod row;
mod sqlite;
mod statement;
mod transaction;
mod tries;
mod value;

pub(crate) use row::Row;
pub(crate) use sqlite::{SqliteDatabase, Turn};
pub(crate) use statement::{Statement, many};
pub(crate) use transaction::Transaction;
pub(crate) use tries::Tries;
pub(crate) use value::{Value, values};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgPool, Postgres, Sqlite};

use crate::config::StoreConfig;
use crate::error::{Error, OpenError};
use crate::url::{Address, DatabaseUrl, UrlError};

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// One of two texts of a statement, such as one without and one with `FOR UPDATE`: SQLite has one writer at a time.
    pub(crate) const fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }
}

/// An open database. Lost connections are replaced when the next one is asked for.
pub(crate) enum Database {
    Sqlite(Box<SqliteDatabase>),
    Postgres(PgPool),
}

/// A connection that may write. Hold it no longer than its transaction.
pub(crate) enum Writer<'d> {
    Sqlite(Turn<'d>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection that reads.
pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Database {
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        match &config.url.0 {
            Address::Sqlite(path) => SqliteDatabase::open(path, config).await.map(Box::new).map(Self::Sqlite),
            Address::Postgres(options) => postgres::open(options, config).await.map(Self::Postgres),
        }
    }

    /// The right to write. SQLite's one writer is handed around in the order in which it was asked for.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, Error> {
        Ok(match self {
            Self::Sqlite(sqlite) => Writer::Sqlite(sqlite.turn().await?),
            Self::Postgres(pool) => Writer::Postgres(pool.acquire().await?),
        })
    }

    pub(crate) async fn reader(&self) -> Result<Reader, Error> {
        Ok(match self {
            Self::Sqlite(sqlite) => Reader::Sqlite(sqlite.readers().acquire().await?),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// New connections use this address; those that are open stay. For a rotated password.
    pub(crate) fn set_url(&self, url: &DatabaseUrl) -> Result<(), UrlError> {
        match (self, &url.0) {
            (Self::Postgres(pool), Address::Postgres(options)) => {
                pool.set_connect_options(postgres::quiet(options));
                Ok(())
            }
            (Self::Sqlite(sqlite), Address::Sqlite(path)) if sqlite.path() == path => Ok(()),
            (Self::Sqlite(_), _) => Err(UrlError::File),
            (Self::Postgres(_), Address::Sqlite(_)) => Err(UrlError::Postgres),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Writer<'_> {
    /// SQLite takes its write lock at once: a transaction that begins by reading could not be upgraded.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        match self {
            Self::Sqlite(turn) => turn.begin().await,
            Self::Postgres(connection) => Ok(connection.begin().await?.into()),
        }
    }
}

impl Reader {
    /// All statements of the transaction see one state of the database.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.begin().await?.into()),
            Self::Postgres(connection) => {
                Ok(connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?.into())
            }
        }
    }
}
