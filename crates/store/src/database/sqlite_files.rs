//! Whether the files of an open SQLite database are still those at their paths. SQLite does not notice in WAL mode: it goes on
//! with removed files, without an error.
//!
//! Files are looked at by path and never opened: when any handle of a file is closed, the system drops SQLite's locks on it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::error::Error;
use crate::storage_fault::StorageFault;

/// Device and number of a file; `None` if there is none.
type FileNumber = Option<(u64, u64)>;

/// The file, its log and its index.
#[derive(Debug)]
pub(super) struct SqliteFiles([(PathBuf, FileNumber); 3]);

impl SqliteFiles {
    pub(super) fn new(database: &Path) -> Self {
        Self(["", "-wal", "-shm"].map(|end| {
            let mut path = database.as_os_str().to_owned();
            path.push(end);
            let path = PathBuf::from(path);
            let number = number(&path);
            (path, number)
        }))
    }

    pub(super) fn check(&self) -> Result<(), StorageFault> {
        match self.0.iter().find(|(path, before)| number(path) != *before) {
            Some((path, _)) => Err(StorageFault::Moved { path: path.clone() }),
            None => Ok(()),
        }
    }
}

fn number(path: &Path) -> FileNumber {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// A connection that reads a file without its log, and neither locks nor changes anything. It is closed by SQLite, which keeps
/// the locks of its other connections.
pub(crate) async fn connect_to_file(path: &Path) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    Ok(options.disable_statement_logging().connect().await?)
}
