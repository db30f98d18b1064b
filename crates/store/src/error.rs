//! What can go wrong with a database. No message holds a password or the content of a row.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

/// A statement or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused, or could not be reached.
    #[error("database query failed")]
    Database(#[source] DriverError),
    /// The server may still complete the statement.
    #[error("database did not respond in time")]
    Timeout,
    /// A column holds what this program never writes there.
    #[error("cannot decode column {column}")]
    Decode {
        /// The column as the statement names it.
        column: String,
    },
    /// It is missing, or another process has replaced it since it was read.
    #[error("audit chain head is missing or was replaced")]
    NoHead,
    /// The configured key does not open it.
    #[error("audit chain head is not valid")]
    Chain(#[source] audit::ChainError),
    /// A field of it is empty or too long.
    #[error("invalid audit entry")]
    Entry(#[from] audit::EntryError),
    /// The facts cannot be posted.
    #[error("post to the ledger")]
    Ledger(#[from] ledger::LedgerError),
    /// Days are supported from 1900 to 2199.
    #[error("date is out of range")]
    Date(#[from] domain::DateError),
}

/// An error of the driver. Its message already repeats its direct cause, so its source is the cause behind that one.
#[derive(Debug)]
pub struct DriverError(sqlx::Error);

impl fmt::Display for DriverError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl StdError for DriverError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()?.source()
    }
}

/// Whether and when to retry after an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Another transaction was in the way.
    Now,
    /// The database is unreachable or out of order.
    Later,
    /// The statement or its values are at fault.
    Never,
}

/// SQLSTATE codes after which Postgres itself asks for a retry: serialization, deadlock, lock timeout.
const POSTGRES_NOW: &[&str] = &["40001", "40P01", "55P03"];
/// SQLSTATE classes and codes that say nothing about the statement: connection, authorization, resources, operator
/// intervention, system errors, internal errors; a read-only server; a role without rights.
const POSTGRES_LATER: &[&str] = &["08", "28", "53", "57", "58", "XX", "25006", "42501"];
/// Primary result codes of SQLite that say nothing about the statement: permissions, I/O, full, cannot open, …
const SQLITE_LATER: &[i32] = &[3, 4, 7, 8, 9, 10, 11, 13, 14, 15, 22, 23, 26];
/// Primary result codes of SQLite for a lock that another holds: busy, locked.
const SQLITE_NOW: &[i32] = &[5, 6];

impl Error {
    pub(crate) fn decode(column: &str) -> Self {
        Self::Decode { column: column.to_owned() }
    }

    pub(crate) fn encode(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        sqlx::Error::Encode(error.into()).into()
    }

    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::Database(error) => retry(&error.0),
            // Without its audit entry nothing is written: a damaged chain is an outage until someone has looked at it.
            Self::Timeout | Self::NoHead | Self::Chain(_) => Retry::Later,
            Self::Decode { .. } | Self::Entry(_) | Self::Ledger(_) | Self::Date(_) => Retry::Never,
        }
    }

    /// Whether the database is unreachable or out of order, so that any other request to it fails now too.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.retry() != Retry::Never
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(DriverError(error))
    }
}

fn retry(error: &sqlx::Error) -> Retry {
    let sqlx::Error::Database(error) = error else {
        return match error {
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::RowNotFound => Retry::Never,
            // Everything else is about the connection: lost, timed out, refused, torn down.
            _ => Retry::Later,
        };
    };
    let code = error.code().unwrap_or_default();
    // SQLSTATE has five characters; SQLite's extended codes have at most four digits, the primary code in the low byte.
    match code.parse::<i32>() {
        Ok(extended) if code.len() < 5 => sqlite_retry(extended & 0xff),
        _ => postgres_retry(&code),
    }
}

fn sqlite_retry(primary: i32) -> Retry {
    if SQLITE_NOW.contains(&primary) {
        Retry::Now
    } else if SQLITE_LATER.contains(&primary) {
        Retry::Later
    } else {
        Retry::Never
    }
}

fn postgres_retry(code: &str) -> Retry {
    if POSTGRES_NOW.contains(&code) {
        Retry::Now
    } else if POSTGRES_LATER.iter().any(|class| code.starts_with(class)) {
        Retry::Later
    } else {
        Retry::Never
    }
}

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not a database URL.
    #[error(transparent)]
    Url(#[from] crate::url::UrlError),
    /// The file or its directory cannot be created, or cannot be made private to its owner.
    #[error("prepare the database file {path}")]
    File {
        /// The database file.
        path: PathBuf,
        /// The failed operation.
        #[source]
        source: std::io::Error,
    },
    /// The database is unreachable or refuses.
    #[error("open the database {location}")]
    Connect {
        /// Its URL without user and password.
        location: String,
        /// What the driver reports.
        #[source]
        source: Error,
    },
    /// The server acknowledges commits before they are durable.
    #[error("Postgres runs with {setting}=off and would lose acknowledged events: turn it on")]
    NotDurable {
        /// `fsync` or `full_page_writes`.
        setting: &'static str,
    },
    /// The schema is not the one that this program knows.
    #[error("migrate the database")]
    Migrate(#[source] MigrateError),
    /// The audit chain cannot be continued.
    #[error("read the audit chain head")]
    Audit(#[source] Error),
}

/// The schema is not the one that this program knows, and cannot be brought to it.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A statement failed.
    #[error("apply migration {name}; nothing was changed")]
    Step {
        /// The migration's file name without its ending.
        name: &'static str,
        /// The failed statement.
        #[source]
        source: Error,
    },
    /// The table `schema_migrations` cannot be read or written.
    #[error("read the applied migrations")]
    Table(#[from] Error),
    /// A newer program has migrated the database.
    #[error("database is at migration {found}, this program only knows {known}: start a newer version")]
    Newer {
        /// The last applied migration.
        found: i64,
        /// This program's last migration.
        known: i64,
    },
    /// Migrations are missing, and this program may not apply them.
    #[error(
        "database is at migration {found}, this program needs {known}: start the server, which applies the missing migrations, and check that DATABASE_URL is the server's"
    )]
    Behind {
        /// The last applied migration; 0 if there is none.
        found: i64,
        /// This program's last migration.
        known: i64,
    },
    /// The texts differ, so the schema is unknown.
    #[error("migration {name} has changed since it was applied to this database")]
    Changed {
        /// The migration's file name without its ending.
        name: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Executor as _};

    use super::*;

    fn check(error: sqlx::Error, cause: &str) {
        let said = telemetry::with_causes(&Error::from(error));
        assert_eq!(said.matches(cause).count(), 1, "{said}");
    }

    #[tokio::test]
    async fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("the cable is cut");
        check(sqlx::Error::Io(cause()), "the cable is cut");
        check(sqlx::Error::Tls(Box::new(cause())), "the cable is cut");
        check(sqlx::Error::Configuration(Box::new(cause())), "the cable is cut");
        check(sqlx::Error::Encode(Box::new(cause())), "the cable is cut");
        check(sqlx::Error::Decode(Box::new(cause())), "the cable is cut");
        let source = Box::new(cause());
        check(sqlx::Error::ColumnDecode { index: "at".to_owned(), source }, "the cable is cut");
        check(sqlx::Error::PoolTimedOut, "pool timed out");
        let mut sqlite = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        check(sqlite.execute("SELEKT 1").await.unwrap_err(), "syntax error");
    }
}
