//! Connections to an SQLite file: one writer and several readers.
//!
//! The file is in WAL mode, so readers and the writer do not wait for each other, and every commit is synced to the disk.
//! Other processes may use the file at the same time, under SQLite's own lock. The last process that closes the file copies the
//! log (`-wal`) into it and removes the log.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::Transaction;
use super::sqlite_files::SqliteFiles;
use super::write_ahead_log::{AUTOCHECKPOINT_PAGES, BUSY_TIMEOUT, LOG_BYTES_MAX, WriteAheadLog};
use super::writer_scheduler::WriterScheduler;
use crate::config::StoreConfig;
use crate::error::{Error, OpenError, Retry};
use crate::storage_fault::StorageFault;

/// Longest wait at the end for readers that are still in use.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: u32 = 16 * 1024;
/// Page cache of the writer, in KiB. A transaction that changes more pages than it holds writes some of them twice: 512 events
/// change about 20 MiB.
const WRITER_CACHE_KIB: u32 = 64 * 1024;
/// Number of statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// Rows that SQLite's thread buffers for a reader.
const ROW_BUFFER_MAX: usize = 256;
/// Mode of the file: only the owner reads and writes.
const FILE_MODE: u32 = 0o600;
/// Mode of new directories: only the owner has access.
const DIRECTORY_MODE: u32 = 0o700;

pub(crate) struct SqliteDatabase {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// `None` once the database is closed.
    writer: Mutex<Option<WriteConnection>>,
    /// The connection could not begin a transaction; the next writer opens a new one.
    is_broken: AtomicBool,
    scheduler: WriterScheduler,
    readers: SqlitePool,
    /// Its files, once they all exist.
    files: OnceLock<SqliteFiles>,
    /// Its file, once it was synced.
    file: OnceLock<&'static File>,
}

struct WriteConnection {
    connection: SqliteConnection,
    log: WriteAheadLog,
}

/// The writer, until it is dropped.
pub(crate) struct WriteGuard<'d> {
    writer: MappedMutexGuard<'d, WriteConnection>,
    is_broken: &'d AtomicBool,
    scheduler: &'d WriterScheduler,
    /// For writers other than the inbox: the guard that keeps the others waiting, and its start.
    other: Option<(Instant, MutexGuard<'d, ()>)>,
}

impl SqliteDatabase {
    pub(super) async fn open(path: &Path, config: &StoreConfig) -> Result<Self, OpenError> {
        let file = |source| OpenError::File { path: path.to_owned(), source };
        prepare(path).map_err(file)?;
        let options = options(path);
        let connect = |source| OpenError::Connect { location: config.url.to_string(), source };
        let connection = options.connect().await.map_err(|error| connect(error.into()))?;
        let writer = WriteConnection { connection, log: WriteAheadLog::beside(path) };
        let readers = SqlitePoolOptions::new()
            .max_connections(config.connections)
            .acquire_timeout(config.connect_timeout)
            .test_before_acquire(false)
            .connect_lazy_with(
                options
                    .clone()
                    .pragma("query_only", "ON")
                    .pragma("cache_size", format!("-{READER_CACHE_KIB}")),
            );
        Ok(Self {
            path: path.to_owned(),
            options,
            writer: Mutex::new(Some(writer)),
            is_broken: AtomicBool::new(false),
            scheduler: WriterScheduler::default(),
            readers,
            files: OnceLock::new(),
            file: OnceLock::new(),
        })
    }

    pub(super) fn check_files(&self) -> Result<(), StorageFault> {
        self.files.get().map_or(Ok(()), SqliteFiles::check)
    }

    /// Copies the log into the file, as far as readers allow it, and watches the files from now on.
    pub(super) async fn write_back(&self) -> Result<(), Error> {
        let mut guard = self.writer().await?;
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut guard.writer.connection).await?;
        self.files.get_or_init(|| SqliteFiles::new(&self.path));
        Ok(())
    }

    /// Makes the content of the file durable, also what another process wrote.
    pub(super) async fn sync_file(&self) -> Result<(), Error> {
        let file = match self.file.get() {
            Some(file) => *file,
            None => {
                let file = File::open(&self.path).map_err(sqlx::Error::Io)?;
                // Never closed: when any handle of the file is closed, the system drops SQLite's locks on it.
                let file: &'static File = Box::leak(Box::new(file));
                self.file.get_or_init(|| file)
            }
        };
        let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
        synced.unwrap_or_else(|ended| Err(std::io::Error::other(ended))).map_err(sqlx::Error::Io)?;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Connections in use, idle ones, and most of them: the readers and the writer.
    pub(super) fn connection_use(&self) -> (usize, usize, usize) {
        let (size, idle) = (self.readers.size() as usize, self.readers.num_idle());
        let max = self.readers.options().get_max_connections() as usize;
        let is_writing = usize::from(self.writer.try_lock().is_err());
        (size.saturating_sub(idle) + is_writing, idle + 1 - is_writing, max + 1)
    }

    /// The writer for all callers other than the inbox, which have half of the time while deliveries arrive.
    pub(super) async fn writer(&self) -> Result<WriteGuard<'_>, Error> {
        let alone = self.scheduler.admit_other().await;
        let mut guard = self.next_writer().await?;
        guard.other = Some((Instant::now(), alone));
        Ok(guard)
    }

    /// See [`WriterScheduler::event_waited`].
    pub(super) fn event_waited(&self, wait: Duration) {
        self.scheduler.event_waited(wait);
    }

    /// The writer for the inbox.
    pub(super) async fn inbox_writer(&self) -> Result<WriteGuard<'_>, Error> {
        self.scheduler.inbox_waits();
        let guard = self.next_writer().await;
        self.scheduler.inbox_writes();
        guard
    }

    async fn next_writer(&self) -> Result<WriteGuard<'_>, Error> {
        let writer = MutexGuard::try_map(self.writer.lock().await, Option::as_mut);
        let mut writer = writer.map_err(|_closed| sqlx::Error::PoolClosed)?;
        if self.is_broken.load(Ordering::Acquire) || is_stuck(&mut writer.connection).await {
            writer.connection = self.options.connect().await?;
            self.is_broken.store(false, Ordering::Release);
        }
        let WriteConnection { connection, log } = &mut *writer;
        log.bound(connection).await;
        Ok(WriteGuard { writer, is_broken: &self.is_broken, scheduler: &self.scheduler, other: None })
    }

    /// Ends the use of a file that must not be written to. The last connection to be closed would copy the log into it: the
    /// writer stays open until the process ends.
    pub(super) async fn abandon(&self) {
        if let Some(writer) = self.writer.lock().await.take() {
            let _open = Box::leak(Box::new(writer));
        }
        drop(tokio::time::timeout(CLOSE_TIMEOUT, self.readers.close()).await);
    }

    /// Lets running transactions finish. The last connection to the file to be closed removes the log: this one, unless another
    /// process has the file open.
    pub(super) async fn close(&self) {
        let has_readers = tokio::time::timeout(CLOSE_TIMEOUT, self.readers.close()).await.is_err();
        if has_readers {
            tracing::warn!("closing the database while a reader is in use: its log (-wal) remains");
        }
        let Some(writer) = self.writer.lock().await.take() else { return };
        if let Err(error) = writer.connection.close().await {
            tracing::warn!(%error, "closing the database failed");
        }
    }
}

impl WriteGuard<'_> {
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let transaction = self.writer.connection.begin_with("BEGIN IMMEDIATE").await.map_err(Error::from);
        if let Err(error) = &transaction {
            self.is_broken.store(error.retry() == Retry::Later, Ordering::Release);
        }
        transaction.map(Transaction::on_sqlite)
    }
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        match &self.other {
            Some((since, _)) => self.scheduler.other_wrote(since.elapsed()),
            None => self.scheduler.inbox_writes(),
        }
    }
}

/// Whether SQLite has rolled back the last transaction by itself, as it does when the disk is full or fails: the driver
/// does not notice, and cannot begin another transaction. Waits for a rollback in progress.
async fn is_stuck(writer: &mut SqliteConnection) -> bool {
    writer.is_in_transaction() && (writer.ping().await.is_err() || writer.is_in_transaction())
}

/// All settings of a connection, in the order that SQLite requires.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .row_buffer_size(ROW_BUFFER_MAX)
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .pragma("wal_autocheckpoint", AUTOCHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", LOG_BYTES_MAX.to_string())
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

/// Creates the directory and the file with access for the owner only. SQLite gives its log the mode of the file.
fn prepare(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    let file = std::fs::OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
    }
    file.sync_all()?;
    // The name of the file is in its directory, which must be synced too.
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::sql;

    async fn pragma(tx: &mut Transaction<'_>, sql: &'static str, column: &str) -> i64 {
        tx.fetch_optional(sql!(sql)).await.unwrap().unwrap().int(column).unwrap()
    }

    #[tokio::test]
    async fn the_writer_syncs_every_commit_and_has_its_limits() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let config = StoreConfig::new(url.parse().unwrap());
        let database = SqliteDatabase::open(&directory.path().join("a.db"), &config).await.unwrap();
        let mut guard = database.writer().await.unwrap();
        let mut tx = guard.begin().await.unwrap();
        // 2 is FULL: the log is synced at each commit, not only at checkpoints.
        assert_eq!(pragma(&mut tx, "PRAGMA synchronous", "synchronous").await, 2);
        let mode = tx.fetch_optional(sql!("PRAGMA journal_mode")).await.unwrap().unwrap();
        assert_eq!(mode.text("journal_mode").unwrap(), "wal");
        assert_eq!(pragma(&mut tx, "PRAGMA busy_timeout", "timeout").await, 5_000);
        assert_eq!(pragma(&mut tx, "PRAGMA foreign_keys", "foreign_keys").await, 1);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let config = StoreConfig::new(format!("sqlite:{}", path.display()).parse().unwrap());
        let database = SqliteDatabase::open(&path, &config).await.unwrap();
        let mut reader = database.readers().acquire().await.unwrap();
        let mut tx = Transaction::on_sqlite(reader.begin().await.unwrap());
        assert!(tx.execute(sql!("CREATE TABLE a (b INTEGER)")).await.is_err());
    }

    /// SQLite rolls a transaction back by itself when there is no room for it.
    #[tokio::test]
    async fn writes_succeed_again_after_a_full_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let config = StoreConfig::new(format!("sqlite:{}", path.display()).parse().unwrap());
        let database = SqliteDatabase::open(&path, &config).await.unwrap();
        let write = async |sql: &'static str| {
            let mut guard = database.inbox_writer().await?;
            let mut tx = guard.begin().await?;
            tx.execute(sql!(sql)).await?;
            tx.commit().await
        };
        write("CREATE TABLE a (b BLOB)").await.unwrap();
        // From here on the file may not grow.
        write("PRAGMA max_page_count = 1").await.unwrap();
        let full = write("INSERT INTO a VALUES (zeroblob(1000000))").await.unwrap_err();
        assert_eq!(full.retry(), Retry::Later, "{full:?}");
        write("INSERT INTO a VALUES (1)").await.unwrap();
        write("INSERT INTO a VALUES (2)").await.unwrap();
    }
}
