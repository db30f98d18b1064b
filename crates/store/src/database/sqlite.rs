//! Connections to an SQLite file: one that writes, several that read.
//!
//! The file is in WAL mode, so readers and the writer do not wait for each other, and every commit is synced to the disk.
//! Other processes may use the file at the same time; SQLite's own lock stands between them.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use super::Transaction;
use super::share::Share;
use crate::config::StoreConfig;
use crate::error::{Error, OpenError, Remedy};

/// Longest wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Memory for pages of the file, of the writer and of each reader, in KiB.
const CACHE_KIB: u32 = 16 * 1024;
/// The log is copied into the file when it has this many pages (of 4 KiB): 64 MiB. Whoever commits then waits for that, but
/// pages of indexes that many commits changed are copied once.
const CHECKPOINT_PAGES: u32 = 16 * 1024;
/// What is kept of the log's file after that, in bytes.
const LOG_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Texts of statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// Rows that SQLite's own thread has ready before it waits for who reads them.
const ROWS_READY_MAX: usize = 256;
/// Only the owner reads and writes.
const FILE_MODE: u32 = 0o600;
/// Only the owner looks into a directory that we make.
const DIRECTORY_MODE: u32 = 0o700;

pub(crate) struct SqliteDatabase {
    path: PathBuf,
    options: SqliteConnectOptions,
    writer: Mutex<SqliteConnection>,
    /// The writer could not begin for a reason of its own: its successor opens the file anew.
    is_broken: AtomicBool,
    share: Share,
    readers: SqlitePool,
}

/// The turn to write.
pub(crate) struct Turn<'d> {
    writer: MutexGuard<'d, SqliteConnection>,
    is_broken: &'d AtomicBool,
    /// Told when the turn ends, unless it was the inbox's.
    share: &'d Share,
    /// Since when someone else than the inbox has it, and that no third comes between.
    other: Option<(Instant, MutexGuard<'d, ()>)>,
}

impl SqliteDatabase {
    pub(super) async fn open(path: &Path, config: &StoreConfig) -> Result<Self, OpenError> {
        let file = |source| OpenError::File { path: path.to_owned(), source };
        prepare(path).map_err(file)?;
        let options = options(path);
        let connect = |source| OpenError::Connect { place: config.url.to_string(), source };
        let writer = options.connect().await.map_err(|error| connect(error.into()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(config.connections)
            .acquire_timeout(config.connect_timeout)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().pragma("query_only", "ON"));
        Ok(Self {
            path: path.to_owned(),
            options,
            writer: Mutex::new(writer),
            is_broken: AtomicBool::new(false),
            share: Share::default(),
            readers,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The turn of whoever is no sender that waits: it leaves the inbox the greater share of the time.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Error> {
        let alone = self.share.wait().await;
        let mut turn = self.next_turn().await?;
        turn.other = Some((Instant::now(), alone));
        Ok(turn)
    }

    /// The inbox's turn, for so many deliveries.
    pub(super) async fn inbox_turn(&self, batch: usize) -> Result<Turn<'_>, Error> {
        self.share.inbox_waits(batch);
        let turn = self.next_turn().await;
        self.share.inbox_writes();
        turn
    }

    async fn next_turn(&self) -> Result<Turn<'_>, Error> {
        let mut writer = self.writer.lock().await;
        if self.is_broken.load(Ordering::Acquire) || is_stuck(&mut writer).await {
            *writer = self.options.connect().await?;
            self.is_broken.store(false, Ordering::Release);
        }
        Ok(Turn { writer, is_broken: &self.is_broken, share: &self.share, other: None })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        // The writer's connection ends with the store: whoever still writes may end first.
        drop(self.writer.lock().await);
    }
}

impl Turn<'_> {
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(Error::from);
        match begun {
            Ok(transaction) => Ok(transaction.into()),
            Err(error) => {
                self.is_broken.store(error.remedy() == Remedy::Later, Ordering::Release);
                Err(error)
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        match &self.other {
            Some((begun, _)) => self.share.other_wrote(begun.elapsed()),
            None => self.share.inbox_writes(),
        }
    }
}

/// Whether the last transaction ended without the driver's noticing: SQLite undoes one by itself when the disk is full or
/// fails, after which the driver cannot undo it and begins no other. One that is yet to be undone is waited for.
async fn is_stuck(writer: &mut SqliteConnection) -> bool {
    writer.is_in_transaction() && (writer.ping().await.is_err() || writer.is_in_transaction())
}

/// Everything that a connection is told, in the order in which SQLite wants it.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .row_buffer_size(ROWS_READY_MAX)
        .pragma("cache_size", format!("-{CACHE_KIB}"))
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", LOG_BYTES_MAX.to_string())
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

/// Makes the directory and the file, for the owner alone. SQLite gives its log the file's own mode.
fn prepare(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    let file = std::fs::OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
    }
    file.sync_all()?;
    // The file's name is kept by its directory.
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::values;

    async fn told(tx: &mut Transaction<'_>, pragma: &'static str, column: &str) -> i64 {
        tx.row(pragma, values![]).await.unwrap().unwrap().int(column).unwrap()
    }

    #[tokio::test]
    async fn the_writer_syncs_every_commit_and_knows_its_bounds() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("a.db").display());
        let config = StoreConfig::new(url.parse().unwrap());
        let database = SqliteDatabase::open(&directory.path().join("a.db"), &config).await.unwrap();
        let mut turn = database.turn().await.unwrap();
        let mut tx = turn.begin().await.unwrap();
        // 2 is FULL: the log is synced at each commit, not at each checkpoint alone.
        assert_eq!(told(&mut tx, "PRAGMA synchronous", "synchronous").await, 2);
        let mode = tx.row("PRAGMA journal_mode", values![]).await.unwrap().unwrap();
        assert_eq!(mode.text("journal_mode").unwrap(), "wal");
        assert_eq!(told(&mut tx, "PRAGMA busy_timeout", "timeout").await, 5_000);
        assert_eq!(told(&mut tx, "PRAGMA foreign_keys", "foreign_keys").await, 1);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let config = StoreConfig::new(format!("sqlite:{}", path.display()).parse().unwrap());
        let database = SqliteDatabase::open(&path, &config).await.unwrap();
        let mut reader = database.readers().acquire().await.unwrap();
        let mut tx: Transaction<'_> = reader.begin().await.unwrap().into();
        assert!(tx.execute("CREATE TABLE a (b INTEGER)", values![]).await.is_err());
    }

    /// SQLite undoes a transaction by itself when there is no room for it.
    #[tokio::test]
    async fn who_writes_next_after_a_full_disk_can_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let config = StoreConfig::new(format!("sqlite:{}", path.display()).parse().unwrap());
        let database = SqliteDatabase::open(&path, &config).await.unwrap();
        let write = async |sql: &'static str| {
            let mut turn = database.inbox_turn(1).await?;
            let mut tx = turn.begin().await?;
            tx.execute(sql, values![]).await?;
            tx.commit().await
        };
        write("CREATE TABLE a (b BLOB)").await.unwrap();
        // From here on the file may not grow.
        write("PRAGMA max_page_count = 1").await.unwrap();
        let full = write("INSERT INTO a VALUES (zeroblob(1000000))").await.unwrap_err();
        assert_eq!(full.remedy(), Remedy::Later, "{full:?}");
        write("INSERT INTO a VALUES (1)").await.unwrap();
        write("INSERT INTO a VALUES (2)").await.unwrap();
    }
}
