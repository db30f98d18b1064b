//! Errors of the database. Messages contain no password and no content of a row.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use crate::storage_fault::StorageFault;

/// A statement or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused the query or is unreachable.
    #[error("database query failed")]
    Database(#[source] DriverError),
    /// The server may still complete the statement.
    #[error("database did not respond in time")]
    Timeout,
    /// A column contains a value that this program never writes.
    #[error("column {column} could not be decoded")]
    Decode {
        /// Name of the column in the statement.
        column: String,
    },
    /// The head is missing, or another process has replaced it since it was read.
    #[error("audit chain head is missing or was replaced")]
    NoHead,
    /// The head was changed, or its key is missing.
    #[error("audit chain head cannot be verified")]
    Chain(#[source] audit::ChainError),
    /// The database is not the one that was opened, or would lose what it acknowledges.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// A standby of another database.
    #[error("DATABASE_STANDBY_HOST leads to another database: name a standby of the primary")]
    Standby,
    /// The checkpoint file cannot be written.
    #[error("checkpoint file {path} could not be written")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        #[source]
        source: std::io::Error,
    },
    /// A field of the entry is empty or too long.
    #[error("invalid audit entry")]
    Entry(#[from] audit::EntryError),
    /// A stored fact is not as the server wrote it, and stands in the place of a reported one.
    #[error(
        "stored fact {id} is not authentic: {reason}; run `investiq ledger rebuild`, then requeue the job"
    )]
    ForgedFact {
        /// The hash of the fact.
        id: String,
        /// Why its proof does not hold.
        reason: String,
    },
    /// The facts cannot be posted.
    #[error("posting to the ledger failed")]
    Ledger(#[from] ledger::LedgerError),
    /// A report has more rows than are sorted in memory.
    #[error("more than {max} entries of one account; choose a shorter period")]
    TooManyRows {
        /// Most rows.
        max: usize,
    },
    /// Days are supported from 1900 to 2199.
    #[error("date is out of range")]
    Date(#[from] domain::DateError),
}

/// Connections of Postgres beside those of the replicas: one migrates, ten are for tools such as `investiq` and `psql`.
pub(crate) const OTHER_CONNECTIONS: u32 = 11;

/// An error of the driver. Its message already repeats its direct cause, so that its source is the next cause.
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

impl From<sqlx::Error> for DriverError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

/// Classes of errors, by whether a retry may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Another transaction conflicted.
    Now,
    /// The database is unavailable.
    Later,
    /// The statement or its values are invalid.
    Never,
}

/// SQLSTATE codes for which a retry may succeed: serialization, deadlock, lock timeout.
const POSTGRES_NOW: &[&str] = &["40001", "40P01", "55P03"];
/// SQLSTATE codes of a prepared statement that is missing or exists already: it was prepared in another server process.
pub(crate) const PREPARED_ELSEWHERE: [&str; 2] = ["26000", "42P05"];
/// SQLSTATE classes and codes that do not concern the statement: connection, authorization, resources, operator
/// intervention, system errors, internal errors; a read-only server; a role without rights.
const POSTGRES_LATER: &[&str] = &["08", "28", "53", "57", "58", "XX", "25006", "42501"];
/// Primary result codes of SQLite that do not concern the statement: permissions, I/O, full, cannot open, …
const SQLITE_LATER: &[i32] = &[3, 4, 7, 8, 9, 10, 11, 13, 14, 15, 22, 23, 26];
/// Primary result codes of SQLite for a lock of another transaction: busy, locked.
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
            // Nothing is written without an audit entry, so that a damaged chain is an outage until it is repaired.
            Self::Timeout
            | Self::NoHead
            | Self::Chain(_)
            | Self::Storage(_)
            | Self::Standby
            | Self::Checkpoint { .. } => Retry::Later,
            Self::Decode { .. }
            | Self::ForgedFact { .. }
            | Self::Entry(_)
            | Self::Ledger(_)
            | Self::TooManyRows { .. }
            | Self::Date(_) => Retry::Never,
        }
    }

    /// Whether SQLite found something else than a database in the file.
    pub(crate) fn is_not_a_database(&self) -> bool {
        let Self::Database(DriverError(error)) = self else { return false };
        error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "26")
    }

    /// Whether the database is unavailable, so that other requests fail too.
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
            // All others concern the connection: lost, timed out, refused, closed.
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
    if POSTGRES_NOW.contains(&code) || PREPARED_ELSEWHERE.contains(&code) {
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
    /// The URL is not a database URL.
    #[error(transparent)]
    Url(#[from] crate::url::UrlError),
    /// The file cannot be created or written where it should be.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The file or its directory cannot be created or made private to its owner.
    #[error("database file {path} could not be prepared")]
    File {
        /// The database file.
        path: PathBuf,
        /// The failed operation.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("opening database {location} failed")]
    Connect {
        /// The URL.
        location: String,
        /// Error of the driver.
        #[source]
        source: Error,
    },
    /// The server is unreachable or refuses the connection.
    #[error("connecting to database {location} failed, check DATABASE_URL and that the server runs")]
    Server {
        /// The URL without user and password.
        location: String,
        /// Error of the driver.
        #[source]
        source: DriverError,
    },
    /// The server acknowledges commits before they are durable.
    #[error("Postgres runs with {setting}=off and would lose acknowledged events: turn it on")]
    NotDurable {
        /// `synchronous_commit`, `fsync` or `full_page_writes`.
        setting: &'static str,
    },
    /// The server is a standby, which accepts no writes.
    #[error("database {location} is a standby: set DATABASE_URL to an address that leads to the primary")]
    Standby {
        /// The URL without user and password.
        location: String,
    },
    /// The replicas together need more connections than Postgres allows.
    #[error(
        "{replicas} replicas with {connections} connections each, and {OTHER_CONNECTIONS} for migrations and tools, are more than the \
         {allowed} that Postgres allows: raise max_connections, lower EXPECTED_NODES, or put a pooler in front"
    )]
    TooManyConnections {
        /// Replicas that share the database.
        replicas: u32,
        /// Connections of one replica.
        connections: u32,
        /// `max_connections` without those that are reserved.
        allowed: u32,
    },
    /// There is no standby of this database.
    #[error(
        "DATABASE_STANDBY_HOST needs a DATABASE_URL of Postgres with a host: remove it, or name the host of the primary"
    )]
    NoStandby,
    /// The database is not the one in which deliveries were acknowledged.
    #[error(
        "{0}; restore the newest database, or run `investiq storage accept` to continue with the present one"
    )]
    Storage(StorageFault),
    /// The checkpoint file cannot be read.
    #[error("checkpoint file {path} could not be read")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        #[source]
        source: std::io::Error,
    },
    /// A log lies beside a database that was replaced.
    #[error(
        "{log} may be the log of the database before, and would be copied into this one: move it and {index} away; if the log belongs to this copy, copy it into the file first: sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'"
    )]
    ForeignLog {
        /// The log.
        log: PathBuf,
        /// The index beside it.
        index: PathBuf,
    },
    /// The schema does not match this program.
    #[error("database migration failed")]
    Migrate(#[source] MigrateError),
    /// The rows of the version before cannot be given proofs, and would be lost to the books.
    #[error(
        "stored rows have no proof, and the audit chain that says which of them are authentic cannot be verified; if an audit key was replaced, add the older one to the secret audit_key, otherwise restore a backup"
    )]
    Unproved(#[source] audit::ChainError),
    /// The audit chain cannot be continued.
    #[error("reading the audit chain head failed")]
    Audit(#[source] Error),
}

impl From<StorageFault> for OpenError {
    fn from(fault: StorageFault) -> Self {
        Self::Storage(fault)
    }
}

/// The file of a database cannot be created or written.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// Such as a file where a directory should be.
    #[error(
        "database {file} cannot be created: {directory} is not a directory; set DATABASE_URL to another place"
    )]
    NotDirectory {
        /// The database file.
        file: PathBuf,
        /// What should be a directory.
        directory: PathBuf,
    },
    /// SQLite writes its log beside the file.
    #[error(
        "database {file} cannot be written: directory {directory} is not writable for this user ({cause}); make it writable, or set DATABASE_URL to another place"
    )]
    NotWritable {
        /// The database file.
        file: PathBuf,
        /// Its directory, or the first that exists above it.
        directory: PathBuf,
        /// The refusal of the operating system.
        cause: std::io::Error,
    },
}

/// The schema does not match this program and cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A statement failed.
    #[error("migration {name} failed, no change was made")]
    Step {
        /// The migration's file name without its ending.
        name: &'static str,
        /// The failed statement.
        #[source]
        source: Error,
    },
    /// The table `schema_migrations` cannot be read or written.
    #[error("reading the applied migrations failed")]
    Table(#[from] Error),
    /// A newer program has migrated the database.
    #[error(
        "database has migration {name} of a newer version, and this version knows migrations up to {supported}: start the newer version again, or restore the backup that was made before the upgrade"
    )]
    Newer {
        /// The last applied migration.
        name: String,
        /// This program's last migration.
        supported: &'static str,
    },
    /// Migrations are pending, and applying them is disabled.
    #[error(
        "database lacks {pending} migrations up to {name}: check that DATABASE_URL is the same as for the server, then run `investiq migrate` or start the server"
    )]
    Behind {
        /// How many are pending.
        pending: usize,
        /// This program's last migration.
        name: &'static str,
    },
    /// The texts differ, so that the schema is unknown.
    #[error(
        "migration {name} has changed since it was applied to this database: start the version that applied it, or restore a backup"
    )]
    Changed {
        /// The migration's file name without its ending.
        name: String,
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
    async fn causes_are_printed_once() {
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
