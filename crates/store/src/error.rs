//! What can go wrong with a database. It knows no HTTP, and no message holds a password or a row's content.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

/// A statement or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused, or could not be reached.
    #[error("the database did not do what it was asked")]
    Database(#[source] DriverError),
    /// The database did not answer in time.
    #[error("the database did not answer in time")]
    Silent,
    /// A row holds what this program would not have written there.
    #[error("the column {column} cannot be read back")]
    Unreadable {
        /// Which column.
        column: String,
    },
    /// The audit chain has no head, or not the one that was continued.
    #[error("the head of the audit chain is missing or was replaced")]
    NoHead,
    /// The head of the audit chain is not what our key makes of it.
    #[error("the head of the audit chain is not ours")]
    Chain(#[source] audit::Fault),
    /// What was to be recorded in the audit chain is no entry.
    #[error("record in the audit chain")]
    Entry(#[from] audit::EntryError),
    /// The books cannot be kept of what was told.
    #[error("keep the books of what was told")]
    Ledger(#[from] ledger::Fault),
    /// The lease of the work ran out, and someone else has taken it.
    #[error("the lease has passed to another worker")]
    LeaseLost,
    /// The store is closing.
    #[error("the store is closing")]
    Closed,
}

/// What the driver says. Its own messages already repeat their cause, so that this one has only what lies behind that.
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

/// An error with what caused it, from the outermost on, on one line. None of the product's errors repeats its cause, and
/// none holds a secret.
#[must_use]
pub fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (**error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What is to be done about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Others were in the way: do it again.
    Again,
    /// The database cannot be reached or is out of order: later.
    Later,
    /// It is about what was asked: never.
    Never,
}

/// SQLSTATE classes and codes after which Postgres itself asks to do it again: serialization, deadlock, lock timeout.
const POSTGRES_AGAIN: &[&str] = &["40001", "40P01", "55P03"];
/// SQLSTATE classes that say nothing about what was asked: connection, authorisation, resources, operator intervention,
/// system errors, internal errors; a server that only reads; a role without rights.
const POSTGRES_LATER: &[&str] = &["08", "28", "53", "57", "58", "XX", "25006", "42501"];
/// Primary result codes of SQLite that say nothing about what was asked: permissions, I/O, full, cannot open, …
const SQLITE_LATER: &[i32] = &[3, 4, 7, 8, 9, 10, 11, 13, 14, 15, 22, 23, 26];
/// Primary result codes of SQLite for a lock that another holds: busy, locked.
const SQLITE_AGAIN: &[i32] = &[5, 6];

impl Error {
    pub(crate) fn unreadable(column: &str) -> Self {
        Self::Unreadable { column: column.to_owned() }
    }

    /// Whether the same again may go well, now or later.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::Database(error) => remedy(&error.0),
            // Without its entry nothing is written: a damaged chain is an outage until someone has looked at it.
            Self::Silent | Self::Closed | Self::NoHead | Self::Chain(_) => Remedy::Later,
            Self::Unreadable { .. } | Self::LeaseLost | Self::Entry(_) | Self::Ledger(_) => Remedy::Never,
        }
    }

    /// Whether the database itself is out of reach or out of order, so that anything else asked of it now fails too.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.remedy() != Remedy::Never
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(DriverError(error))
    }
}

fn remedy(error: &sqlx::Error) -> Remedy {
    let sqlx::Error::Database(error) = error else {
        return match error {
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::RowNotFound => Remedy::Never,
            // Everything else is about the connection: lost, timed out, refused, torn down.
            _ => Remedy::Later,
        };
    };
    let code = error.code().unwrap_or_default();
    // SQLSTATE has five characters; SQLite's extended codes have at most four digits, the primary code in the low byte.
    match code.parse::<i32>() {
        Ok(extended) if code.len() < 5 => sqlite_remedy(extended & 0xff),
        _ => postgres_remedy(&code),
    }
}

fn sqlite_remedy(primary: i32) -> Remedy {
    if SQLITE_AGAIN.contains(&primary) {
        Remedy::Again
    } else if SQLITE_LATER.contains(&primary) {
        Remedy::Later
    } else {
        Remedy::Never
    }
}

fn postgres_remedy(code: &str) -> Remedy {
    if POSTGRES_AGAIN.contains(&code) {
        Remedy::Again
    } else if POSTGRES_LATER.iter().any(|class| code.starts_with(class)) {
        Remedy::Later
    } else {
        Remedy::Never
    }
}

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error(transparent)]
    Url(#[from] crate::url::UrlError),
    /// The file or its directory cannot be made or protected.
    #[error("prepare the database file {path}")]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be reached or refuses.
    #[error("open the database {place}")]
    Connect {
        /// Where it is, without a password.
        place: String,
        /// Why.
        #[source]
        source: Error,
    },
    /// The server does not keep what it says it has kept.
    #[error("the Postgres server runs with {setting}=off and would lose acknowledged events: turn it on")]
    NotDurable {
        /// The setting at fault.
        setting: &'static str,
    },
    /// The tables cannot be brought to the form that this program knows.
    #[error("migrate the database")]
    Migrate(#[source] crate::migrations::MigrateError),
    /// The audit chain's head cannot be used.
    #[error("read the head of the audit chain")]
    Audit(#[source] Error),
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Executor as _};

    use super::*;

    fn check(error: sqlx::Error, cause: &str) {
        let said = with_causes(&Error::from(error));
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
