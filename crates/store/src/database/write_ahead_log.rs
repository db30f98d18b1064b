//! Bounds the size of SQLite's write-ahead log.
//!
//! SQLite copies the log into the file when it has [`AUTOCHECKPOINT_PAGES`], and then begins it again, but only in a moment in
//! which nobody reads from the log. If readers overlap without a pause, that moment never comes and the log grows. From
//! [`CHECKPOINT_BYTES`] on, the writer therefore waits a little for the readers in use; new ones then read from the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor as _, Row as _, SqliteConnection};

/// Longest wait for a writer of another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages of 4 KiB at which SQLite copies the log into the file (64 MiB). The commit that reaches this size waits for the copy,
/// but an index page that many commits changed is copied once.
pub(super) const AUTOCHECKPOINT_PAGES: u32 = 16 * 1024;
/// Size to which SQLite truncates the log when it begins it again.
pub(super) const LOG_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Size of the log from which on the writer waits for readers.
const CHECKPOINT_BYTES: u64 = 2 * LOG_BYTES_MAX as u64;
/// Longest wait for readers; meanwhile nothing is written.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Time between two looks at the size of the log.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Pauses after a reader did not end in time; each is twice as long as the one before.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The log beside a database file.
#[derive(Debug)]
pub(super) struct WriteAheadLog {
    path: PathBuf,
    next_look: Instant,
    pause: Duration,
}

impl WriteAheadLog {
    pub(super) fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), next_look: Instant::now(), pause: PAUSE_FIRST }
    }

    /// Empties the log if it has become too large. `writer` must not be in a transaction.
    pub(super) async fn bound(&mut self, writer: &mut SqliteConnection) {
        let now = Instant::now();
        if now < self.next_look {
            return;
        }
        let bytes = std::fs::metadata(&self.path).map_or(0, |log| log.len());
        self.next_look = now + LOOK_EVERY;
        if bytes <= CHECKPOINT_BYTES {
            return;
        }
        match truncate(writer).await {
            Ok(true) => self.pause = PAUSE_FIRST,
            Ok(false) => {
                let pause_s = self.pause.as_secs();
                tracing::warn!(bytes, pause_s, "truncating the log of SQLite has to wait for a reader");
                self.next_look = Instant::now() + self.pause;
                self.pause = (self.pause * 2).min(PAUSE_MAX);
            }
            Err(error) => {
                tracing::warn!(%error, bytes, "truncating the log of SQLite failed");
                self.next_look = Instant::now() + PAUSE_MAX;
            }
        }
    }
}

/// Whether the log is empty now.
async fn truncate(writer: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    set_busy_timeout(writer, WAIT_MAX).await?;
    let outcome = writer.fetch_one(sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")).await;
    set_busy_timeout(writer, BUSY_TIMEOUT).await?;
    let is_busy: i64 = outcome?.try_get("busy")?;
    Ok(is_busy == 0)
}

async fn set_busy_timeout(writer: &mut SqliteConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    let pragma = format!("PRAGMA busy_timeout = {}", timeout.as_millis());
    writer.execute(sqlx::raw_sql(AssertSqlSafe(pragma))).await.map(drop)
}

#[cfg(test)]
mod tests {
    use crate::config::StoreConfig;
    use crate::database::sqlite::SqliteDatabase;
    use crate::database::{Transaction, sql};

    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// Reads again and again for 40 ms, so that with a second reader at another time the log is never unused.
    async fn read(database: &SqliteDatabase, delay_ms: u64) {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        loop {
            let mut reader = database.readers().acquire().await.unwrap();
            let mut tx = Transaction::on_sqlite(sqlx::Connection::begin(&mut *reader).await.unwrap());
            tx.fetch_all(sql!("SELECT COUNT(*) AS count FROM a")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn readers_that_overlap_do_not_let_the_log_grow() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let config = StoreConfig::new(format!("sqlite:{}", path.display()).parse().unwrap());
        let database = SqliteDatabase::open(&path, &config).await.unwrap();
        let log = WriteAheadLog::beside(&path).path;
        let write = async |sql: &'static str| {
            let mut guard = database.writer().await.unwrap();
            let mut tx = guard.begin().await.unwrap();
            tx.execute(sql!(sql)).await.unwrap();
            tx.commit().await.unwrap();
            std::fs::metadata(&log).unwrap().len()
        };
        write("CREATE TABLE a (b BLOB)").await;
        let writes = async {
            let mut bytes_max = 0;
            for _ in 0..200 {
                bytes_max = write("INSERT INTO a VALUES (zeroblob(2097152))").await.max(bytes_max);
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            bytes_max
        };
        let bytes_max = tokio::select! {
            bytes_max = writes => bytes_max,
            () = read(&database, 0) => unreachable!(),
            () = read(&database, 20) => unreachable!(),
        };
        assert!(bytes_max < 250 * MIB, "{} MiB of 400 MiB written", bytes_max / MIB);
        database.close().await;
        assert!(!log.exists());
    }
}
