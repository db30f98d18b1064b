//! SQLite and Postgres behind one interface: connections, transactions, statements and rows.
//!
//! Statements are written once, in SQL that both databases support, with 64-bit integers, text and bytes. Where they must
//! differ, [`Backend::pick`] chooses next to the statement. This module contains no table names.

mod bulk;
mod postgres;
mod reply_timeout;
mod retry;
mod row;
mod sqlite;
mod statement;
mod transaction;
mod value;
mod write_ahead_log;
mod writer_scheduler;

pub(crate) use bulk::ROWS_MAX;
use postgres::PostgresDatabase;
pub(crate) use postgres::Session;
pub(crate) use retry::{retry, retry_delays};
pub(crate) use row::Row;
pub(crate) use sqlite::{SqliteDatabase, WriteGuard};
pub(crate) use statement::{Statement, sql};
pub(crate) use transaction::Transaction;
pub(crate) use value::{Value, values};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Sqlite};

use crate::config::StoreConfig;
use crate::error::{Error, OpenError};
use crate::url::{Address, DatabaseUrl, UrlError};

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

/// An open database. A lost connection is replaced when the next one is requested.
pub(crate) enum Database {
    Sqlite(Box<SqliteDatabase>),
    Postgres(PostgresDatabase),
}

/// A connection that may write. Hold it no longer than its transaction.
pub(crate) enum Writer<'d> {
    Sqlite(WriteGuard<'d>),
    Postgres(Session),
}

pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(Session),
}

impl Database {
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        match &config.url.0 {
            Address::Sqlite(path) => SqliteDatabase::open(path, config).await.map(Box::new).map(Self::Sqlite),
            Address::Postgres(address) => {
                config.url.check_files()?;
                PostgresDatabase::open(&address.options, config).await.map(Self::Postgres)
            }
        }
    }

    /// Waits for a writer. SQLite has one, which is granted in order of the requests.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, Error> {
        Ok(match self {
            Self::Sqlite(sqlite) => Writer::Sqlite(sqlite.writer().await?),
            Self::Postgres(postgres) => Writer::Postgres(postgres.session().await?),
        })
    }

    /// As [`writer`](Self::writer), for `batch` deliveries of the inbox, whose senders are waiting.
    pub(crate) async fn inbox_writer(&self, batch: usize) -> Result<Writer<'_>, Error> {
        Ok(match self {
            Self::Sqlite(sqlite) => Writer::Sqlite(sqlite.inbox_writer(batch).await?),
            Self::Postgres(postgres) => Writer::Postgres(postgres.session().await?),
        })
    }

    pub(crate) async fn reader(&self) -> Result<Reader, Error> {
        Ok(match self {
            Self::Sqlite(sqlite) => Reader::Sqlite(sqlite.readers().acquire().await?),
            Self::Postgres(postgres) => Reader::Postgres(postgres.session().await?),
        })
    }

    /// Sets the address of new connections, for a rotated password. Open connections stay.
    pub(crate) fn set_url(&self, url: &DatabaseUrl) -> Result<(), UrlError> {
        match (self, &url.0) {
            (Self::Postgres(postgres), Address::Postgres(address)) => {
                url.check_files()?;
                postgres.set_options(&address.options);
                Ok(())
            }
            (Self::Sqlite(sqlite), Address::Sqlite(path)) if sqlite.path() == path => Ok(()),
            (Self::Sqlite(_) | Self::Postgres(_), _) => Err(UrlError::OtherDatabase),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl Writer<'_> {
    /// SQLite takes its write lock at once, because a reading transaction cannot be upgraded.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        match self {
            Self::Sqlite(guard) => guard.begin().await,
            Self::Postgres(session) => session.begin("BEGIN").await,
        }
    }

    /// Whether it can be reused for the next transaction. SQLite's only writer must be returned in between.
    pub(crate) fn is_reusable(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl Reader {
    /// Begins a transaction whose statements see one state of the database.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        match self {
            Self::Sqlite(connection) => Ok(Transaction::Sqlite(connection.begin().await?)),
            Self::Postgres(session) => session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await,
        }
    }
}
