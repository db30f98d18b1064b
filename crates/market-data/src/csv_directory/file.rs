//! Reads one file.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use domain::Symbol;

use super::{DATA_SOURCE, EXTENSION};
use crate::csv_file::{self, CsvFile, FILE_BYTES_MAX};
use crate::{AbsentPart, Error, FileFault, Freshness, Part, Snapshot};

/// Changes with the file, and when another one is renamed over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size_bytes: u64,
    modified_at: Option<SystemTime>,
    inode: u64,
    /// Seconds and nanoseconds.
    status_changed_at: (i64, i64),
}

/// The stamp of a regular file. No other is opened, so that a pipe cannot block the reader.
pub(super) fn stamp(path: &Path) -> Result<Stamp, FileFault> {
    let metadata = std::fs::metadata(path).map_err(|error| FileFault::Unreadable { kind: error.kind() })?;
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(Stamp {
            size_bytes: metadata.len(),
            modified_at: metadata.modified().ok(),
            inode: metadata.ino(),
            status_changed_at: (metadata.ctime(), metadata.ctime_nsec()),
        }),
        (false, true) => Err(FileFault::Unreadable { kind: ErrorKind::IsADirectory }),
        (false, false) => Err(FileFault::Unreadable { kind: ErrorKind::Unsupported }),
    }
}

/// The symbol that a file is named after.
pub(super) fn symbol(path: &Path) -> Option<Symbol> {
    path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse().ok()
}

/// The bars of a file about `symbol`; rows dated more than a day after now are left out.
///
/// # Errors
/// [`Error::UnusableFile`] with the reason.
pub fn snapshot(path: &Path, symbol: Symbol, now_unix_ms: i64) -> Result<Arc<Snapshot>, Error> {
    let CsvFile { history, quality, mapping } =
        parse(path, symbol, now_unix_ms).map_err(|fault| unusable(path, symbol, fault))?;
    let as_of = history.as_of().ok_or_else(|| unusable(path, symbol, FileFault::NoRows))?;
    let missing = [Part::Details, Part::Financials, Part::News].map(|part| AbsentPart { part, error: None });
    Ok(Arc::new(Snapshot {
        version: Snapshot::compute_version(&history, None, &[], None, &missing),
        history: Arc::new(history),
        name: None,
        filings: Arc::new([]),
        news: None,
        missing: missing.into(),
        quality: Arc::new(quality),
        mapping: Some(Arc::new(mapping)),
        data_source: DATA_SOURCE,
        as_of,
        fetched_at_unix_ms: Some(now_unix_ms),
        freshness: Freshness::Fresh,
    }))
}

pub(super) fn parse(path: &Path, symbol: Symbol, now_unix_ms: i64) -> Result<CsvFile, FileFault> {
    stamp(path)?;
    let unreadable = |error: std::io::Error| FileFault::Unreadable { kind: error.kind() };
    let mut bytes = Vec::new();
    // One byte more than the bound shows that there are too many.
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    csv_file::parse(&bytes, symbol, now_unix_ms)
}

pub(super) fn unusable(path: &Path, symbol: Symbol, fault: FileFault) -> Error {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Error::UnusableFile { symbol, file, fault }
}
