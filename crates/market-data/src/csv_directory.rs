//! A directory of one's own CSV files: `<SYMBOL>.csv`, one for each symbol, read again when it changes.
//!
//! Rows that cannot be read or do not hold together are left out and listed with their line and reason; the others are
//! used. A file is refused as a whole when its first line is not one of the two headers, when it is larger than
//! [`FILE_BYTES_MAX`] or longer than [`ROWS_MAX`], or when no row is left. Nothing is repaired and nothing is guessed.
//!
//! A file is taken for changed when its size or its time of modification changes. Replace a file by renaming a finished
//! one over it: a file read while it is written is used as far as it was written, until it changes again.

mod read;
mod row;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Symbol;
use tokio::sync::Semaphore;

use crate::lru::Lru;
use crate::{Benchmark, Clock, Error, Listed, Outage, Snapshot, Stats};
use read::Stamp;

/// What answers call this source.
pub const DATA_SOURCE: &str = "csv directory";
/// Largest file that is read.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most rows of a file: two centuries of trading days.
pub const ROWS_MAX: usize = 50_000;
/// Most files that are listed.
pub const FILES_LISTED_MAX: usize = 10_000;
/// Most parsed files that are kept.
const FILES_CACHED_MAX: usize = 256;
/// Most files that are parsed at one moment.
const PARSES_MAX: usize = 4;
/// Pause before a directory that cannot be read is worth asking again.
const RETRY_AFTER_S: u32 = 5;
/// The file that other symbols are compared with, where there is one.
const BENCHMARK: &str = "SPY";

type Parsed = (Stamp, Result<Arc<Snapshot>, Error>);

/// The directory and what was read from it.
pub struct CsvDirectory {
    path: PathBuf,
    clock: Clock,
    parsed: Mutex<Lru<Parsed>>,
    parses: Semaphore,
    /// The benchmark's returns, beside the snapshot that they were computed from.
    market: Mutex<Option<(Arc<Snapshot>, Arc<Benchmark>)>>,
    pub(crate) stats: Stats,
}

/// Why a directory cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("reading the market data directory {path}")]
pub struct OpenError {
    path: PathBuf,
    source: std::io::Error,
}

impl CsvDirectory {
    /// Takes `path`, once it is seen to be a directory that can be listed.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        std::fs::read_dir(path).map_err(|source| OpenError { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            clock,
            parsed: Mutex::new(Lru::new(FILES_CACHED_MAX)),
            parses: Semaphore::new(PARSES_MAX),
            market: Mutex::default(),
            stats: Stats::default(),
        })
    }

    pub(crate) async fn snapshot(&self, symbol: &Symbol) -> Result<Arc<Snapshot>, Error> {
        let symbol = *symbol;
        // A symbol holds letters, digits and one inner `.` or `-`: the name cannot leave the directory.
        let path = self.path.join(format!("{symbol}.csv"));
        let stamp = blocking({
            let path = path.clone();
            move || read::stamp(&path).map_err(|error| failure(symbol, &error))
        })
        .await?;
        if let Some(outcome) = self.parsed_at(&symbol, stamp) {
            crate::stats::count(&self.stats.cache_hits);
            return outcome;
        }
        let _permit = self.parses.acquire().await.map_err(|_| internal())?;
        // Whoever waited for a permit finds what the one before has parsed.
        if let Some(outcome) = self.parsed_at(&symbol, stamp) {
            crate::stats::count(&self.stats.cache_joined);
            return outcome;
        }
        crate::stats::count(&self.stats.cache_misses);
        let now_unix_ms = (self.clock)();
        let outcome = blocking(move || Ok(read::snapshot(&path, symbol, now_unix_ms))).await?;
        self.kept().insert(symbol, (stamp, outcome.clone()));
        outcome
    }

    /// Every `<SYMBOL>.csv`, in order.
    pub(crate) async fn symbols(&self) -> Result<Vec<Listed>, Error> {
        let path = self.path.clone();
        blocking(move || list(&path).map_err(|_| internal())).await
    }

    pub(crate) async fn benchmark(&self) -> Option<Arc<Benchmark>> {
        let snapshot = self.snapshot(&BENCHMARK.parse().ok()?).await.ok()?;
        let mut market = self.market.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, benchmark)) = &*market
            && Arc::ptr_eq(of, &snapshot)
        {
            return Some(benchmark.clone());
        }
        let benchmark = Arc::new(Benchmark::of(BENCHMARK, &snapshot.history));
        *market = Some((snapshot, benchmark.clone()));
        Some(benchmark)
    }

    /// Files that are kept parsed.
    pub(crate) fn entries(&self) -> usize {
        self.kept().len()
    }

    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.symbols().await.map(drop)
    }

    fn parsed_at(&self, symbol: &Symbol, stamp: Stamp) -> Option<Result<Arc<Snapshot>, Error>> {
        let mut kept = self.kept();
        let (at, outcome) = kept.get(symbol)?;
        (*at == stamp).then(|| outcome.clone())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Lru<Parsed>> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for CsvDirectory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CsvDirectory").field("path", &self.path).finish_non_exhaustive()
    }
}

fn list(path: &Path) -> std::io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in std::fs::read_dir(path)?.take(FILES_LISTED_MAX) {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".csv"));
        let symbol =
            stem.and_then(|stem| stem.parse::<Symbol>().ok().filter(|symbol| symbol.as_str() == stem));
        listed.extend(symbol.map(|symbol| Listed { symbol, name: None }));
    }
    listed.sort_by_key(|listed| listed.symbol);
    Ok(listed)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(internal()))
}

fn failure(symbol: Symbol, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::UnknownSymbol { symbol },
        _ => internal(),
    }
}

fn internal() -> Error {
    Error::Unavailable { kind: Outage::Internal, retry_after_s: RETRY_AFTER_S }
}

#[cfg(test)]
mod tests;
