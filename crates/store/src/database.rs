//! SQLite and Postgres behind one interface: connections, transactions, statements and rows.
//!
//! Statements are written once, in SQL that both databases support, with 64-bit integers, text and bytes. Where they must
//! differ, [`Backend::pick`] chooses next to the statement. This module contains no table names.

mod bulk;
mod connection_use;
mod operation;
mod postgres;
mod query_span;
mod reply_timeout;
mod retry;
mod row;
mod sqlite;
mod sqlite_files;
mod statement;
mod transaction;
mod value;
mod write_ahead_log;
mod writer_scheduler;

pub(crate) use bulk::ROWS_MAX;
pub use connection_use::ConnectionUse;
pub(crate) use operation::Operation;
pub(crate) use postgres::{PostgresDatabase, Session};
pub(crate) use retry::{retry, retry_delays};
pub(crate) use row::Row;
pub(crate) use sqlite::{SqliteDatabase, WriteGuard};
pub(crate) use sqlite_files::connect_to_file;
pub(crate) use statement::{Statement, sql};
pub(crate) use transaction::Transaction;
pub(crate) use value::{Value, values};

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use audit::StoredHead;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Sqlite};
use telemetry::metrics::QueryDurations;

use crate::config::StoreConfig;
use crate::error::{Error, OpenError};
use crate::storage_fault::StorageFault;
use crate::url::{Address, DatabaseUrl, UrlError};

use connection_use::Waiting;
use operation::Measure;

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
pub(crate) struct Database {
    connections: Connections,
    /// Why nothing is read or written any more.
    fault: OnceLock<StorageFault>,
    /// The newest entry of the audit chain that this process has committed.
    committed: Mutex<Option<StoredHead>>,
    waiting: Waiting,
    durations: QueryDurations,
}

enum Connections {
    Sqlite(Box<SqliteDatabase>),
    Postgres(PostgresDatabase),
}

/// A connection that may write. Hold it no longer than its transaction.
pub(crate) struct Writer<'d> {
    connection: WriteConnection<'d>,
    measure: Measure,
}

enum WriteConnection<'d> {
    Sqlite(WriteGuard<'d>),
    Postgres(Session),
}

pub(crate) struct Reader {
    connection: ReadConnection,
    measure: Measure,
}

enum ReadConnection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(Session),
}

impl Database {
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        let connections = match &config.url.0 {
            Address::Sqlite(path) => {
                SqliteDatabase::open(path, config).await.map(Box::new).map(Connections::Sqlite)
            }
            Address::Postgres(address) => {
                config.url.check_files()?;
                PostgresDatabase::open(&address.options, config).await.map(Connections::Postgres)
            }
        };
        Ok(Self {
            connections: connections?,
            fault: OnceLock::new(),
            committed: Mutex::default(),
            waiting: Waiting::default(),
            durations: QueryDurations::default(),
        })
    }

    /// Waits for a writer. SQLite has one, which is granted in order of the requests.
    pub(crate) async fn writer(&self, operation: Operation) -> Result<Writer<'_>, Error> {
        self.check_files()?;
        let wait = self.waiting.start();
        let connection = match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.writer().await.map(WriteConnection::Sqlite),
            Connections::Postgres(postgres) => postgres.session().await.map(WriteConnection::Postgres),
        };
        Ok(Writer { connection: wait.end(connection)?, measure: self.measure(operation) })
    }

    /// Reports how long the oldest of the events that are applied next has waited. On SQLite, applying then has a greater share
    /// of the time.
    pub(crate) fn event_waited(&self, wait: Duration) {
        match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.event_waited(wait),
            Connections::Postgres(_) => {}
        }
    }

    /// As [`writer`](Self::writer), for the inbox, whose senders are waiting.
    pub(crate) async fn inbox_writer(&self) -> Result<Writer<'_>, Error> {
        self.check_files()?;
        let wait = self.waiting.start();
        let connection = match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.inbox_writer().await.map(WriteConnection::Sqlite),
            Connections::Postgres(postgres) => postgres.session().await.map(WriteConnection::Postgres),
        };
        Ok(Writer { connection: wait.end(connection)?, measure: self.measure(Operation::InsertDelivery) })
    }

    pub(crate) async fn reader(&self, operation: Operation) -> Result<Reader, Error> {
        self.check_files()?;
        let wait = self.waiting.start();
        let connection = match &self.connections {
            Connections::Sqlite(sqlite) => {
                sqlite.readers().acquire().await.map_err(Error::from).map(ReadConnection::Sqlite)
            }
            Connections::Postgres(postgres) => postgres.session().await.map(ReadConnection::Postgres),
        };
        Ok(Reader { connection: wait.end(connection)?, measure: self.measure(operation) })
    }

    /// A reader on a connection to another server.
    pub(crate) fn reader_on(&self, session: Session, operation: Operation) -> Reader {
        Reader { connection: ReadConnection::Postgres(session), measure: self.measure(operation) }
    }

    fn measure(&self, operation: Operation) -> Measure {
        Measure { durations: self.durations.clone(), operation }
    }

    /// The times of its transactions.
    pub(crate) fn durations(&self) -> &QueryDurations {
        &self.durations
    }

    /// Its connections at this moment.
    pub(crate) fn connection_use(&self) -> ConnectionUse {
        let (in_use, idle, max) = match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.connection_use(),
            Connections::Postgres(postgres) => postgres.connection_use(),
        };
        ConnectionUse { in_use, idle, max, waiting: self.waiting.number() }
    }

    /// Notes what the database must have from now on, because it was acknowledged.
    pub(crate) fn note_committed(&self, head: StoredHead) {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        if committed.is_none_or(|newest| newest.sequence < head.sequence) {
            *committed = Some(head);
        }
    }

    /// Forgets what was noted: an operator continues with a database that lacks it.
    pub(crate) fn forget_committed(&self) {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What was noted last.
    pub(crate) fn committed(&self) -> Option<StoredHead> {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that no fault was found, and that SQLite's files are those that are open.
    pub(crate) fn check_files(&self) -> Result<(), Error> {
        if let Some(fault) = self.fault.get() {
            return Err(fault.clone().into());
        }
        match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.check_files().map_err(|fault| self.fail(fault)),
            Connections::Postgres(_) => Ok(()),
        }
    }

    /// Reads and writes nothing more because of a fault. The first one counts.
    pub(crate) fn fail(&self, fault: StorageFault) -> Error {
        if self.fault.set(fault.clone()).is_ok() {
            tracing::error!(%fault, "the database must not be used: nothing is stored until it is restored");
        }
        self.fault.get().unwrap_or(&fault).clone().into()
    }

    /// The file of an SQLite database.
    pub(crate) fn sqlite_path(&self) -> Option<&Path> {
        match &self.connections {
            Connections::Sqlite(sqlite) => Some(sqlite.path()),
            Connections::Postgres(_) => None,
        }
    }

    /// The setting with which Postgres would lose acknowledged commits, if there is one.
    pub(crate) async fn lossy_setting(&self) -> Result<Option<&'static str>, Error> {
        self.check_files()?;
        match &self.connections {
            Connections::Sqlite(_) => Ok(None),
            Connections::Postgres(postgres) => postgres.lossy_setting().await,
        }
    }

    /// Copies SQLite's log into the file, as far as readers allow it, and watches the files from now on.
    pub(crate) async fn write_back(&self) -> Result<(), Error> {
        match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.write_back().await,
            Connections::Postgres(_) => Ok(()),
        }
    }

    /// Makes the content of SQLite's file durable.
    pub(crate) async fn sync_file(&self) -> Result<(), Error> {
        match &self.connections {
            Connections::Sqlite(sqlite) => sqlite.sync_file().await,
            Connections::Postgres(_) => Ok(()),
        }
    }

    /// Sets the address of new connections, for a rotated password. Open connections stay.
    pub(crate) fn set_url(&self, url: &DatabaseUrl) -> Result<(), UrlError> {
        match (&self.connections, &url.0) {
            (Connections::Postgres(postgres), Address::Postgres(address)) => {
                url.check_files()?;
                postgres.set_options(&address.options);
                Ok(())
            }
            (Connections::Sqlite(sqlite), Address::Sqlite(path)) if sqlite.path() == path => Ok(()),
            (Connections::Sqlite(_) | Connections::Postgres(_), _) => Err(UrlError::OtherDatabase),
        }
    }

    /// Closes the connections. After a fault, nothing is written to the file.
    pub(crate) async fn close(&self) {
        match &self.connections {
            Connections::Sqlite(sqlite) if self.check_files().is_err() => sqlite.abandon().await,
            Connections::Sqlite(sqlite) => sqlite.close().await,
            Connections::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl Writer<'_> {
    /// SQLite takes its write lock at once, because a reading transaction cannot be upgraded.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let timer = self.measure.start();
        let transaction = match &mut self.connection {
            WriteConnection::Sqlite(guard) => guard.begin().await?,
            WriteConnection::Postgres(session) => session.begin_write().await?,
        };
        Ok(transaction.with_timer(timer))
    }

    /// Whether it can be reused for the next transaction. SQLite's only writer must be returned in between.
    pub(crate) fn is_reusable(&self) -> bool {
        matches!(self.connection, WriteConnection::Postgres(_))
    }
}

impl Reader {
    /// Begins a transaction whose statements see one state of the database.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let timer = self.measure.start();
        let transaction = match &mut self.connection {
            ReadConnection::Sqlite(connection) => Transaction::on_sqlite(connection.begin().await?),
            ReadConnection::Postgres(session) => session.begin_read().await?,
        };
        Ok(transaction.with_timer(timer))
    }
}
