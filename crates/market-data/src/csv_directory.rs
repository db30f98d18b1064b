//! A directory of CSV files: `<SYMBOL>.csv`, one for each symbol, read again when it changes.
//!
//! Rows that are malformed or inconsistent are left out and listed with their line and reason; the others are used. A
//! file is refused as a whole when its first line is not one of the two headers, when it is larger than
//! `FILE_BYTES_MAX` or longer than `ROWS_MAX`, or when no row is usable. Rows are not repaired.
//!
//! A file counts as changed when its size or its time of modification changes. To replace a file, rename the complete new
//! file over it: a file that is read while it is written is used incompletely, until it changes again.

mod file;
mod row;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Symbol;
use quick_cache::sync;
use tokio::sync::Semaphore;

use crate::{Benchmark, Clock, Error, Outage, Snapshot, Stats, SymbolListing};
use file::Stamp;

/// Name of this source in responses.
pub(crate) const DATA_SOURCE: &str = "csv directory";
/// Larger files are refused.
pub(crate) const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most rows of a file: two centuries of trading days.
pub(crate) const ROWS_MAX: usize = 50_000;
/// Most files that are listed.
const FILES_LISTED_MAX: usize = 10_000;
/// Most parsed files that are cached.
const FILES_CACHED_MAX: usize = 256;
/// Most files that are parsed at once.
const PARSES_MAX: usize = 4;
/// Pause before an unreadable directory should be read again.
const RETRY_AFTER_S: u32 = 5;
/// The symbol that others are compared with, if it has a file.
const BENCHMARK: &str = "SPY";

type Parsed = (Stamp, Result<Arc<Snapshot>, Error>);

/// The directory and its parsed files.
pub struct CsvDirectory {
    path: PathBuf,
    clock: Clock,
    parsed: sync::Cache<Symbol, Parsed>,
    parses: Semaphore,
    /// The benchmark, and the snapshot that it was computed from.
    market: Mutex<Option<(Arc<Snapshot>, Arc<Benchmark>)>>,
    pub(crate) stats: Stats,
}

/// The directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("reading market data directory {path} failed")]
pub struct OpenError {
    path: PathBuf,
    source: std::io::Error,
}

impl CsvDirectory {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        std::fs::read_dir(path).map_err(|source| OpenError { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            clock,
            parsed: sync::Cache::new(FILES_CACHED_MAX),
            parses: Semaphore::new(PARSES_MAX),
            market: Mutex::default(),
            stats: Stats::default(),
        })
    }

    pub(crate) async fn snapshot(&self, symbol: &Symbol) -> Result<Arc<Snapshot>, Error> {
        let symbol = *symbol;
        // A symbol consists of letters, digits and one inner `.` or `-`: the path cannot leave the directory.
        let path = self.path.join(format!("{symbol}.csv"));
        let stamp = blocking({
            let path = path.clone();
            move || file::stamp(&path).map_err(|error| failure(symbol, &error))
        })
        .await?;
        if let Some(outcome) = self.parsed_at(&symbol, stamp) {
            crate::stats::count(&self.stats.cache_hits);
            return outcome;
        }
        let _permit = self.parses.acquire().await.map_err(|_| internal())?;
        // Another task may have parsed the file in the meantime.
        if let Some(outcome) = self.parsed_at(&symbol, stamp) {
            crate::stats::count(&self.stats.cache_joined);
            return outcome;
        }
        crate::stats::count(&self.stats.cache_misses);
        let now_unix_ms = (self.clock)();
        let outcome = blocking(move || Ok(file::snapshot(&path, symbol, now_unix_ms))).await?;
        self.parsed.insert(symbol, (stamp, outcome.clone()));
        outcome
    }

    pub(crate) async fn symbols(&self) -> Result<Vec<SymbolListing>, Error> {
        let path = self.path.clone();
        blocking(move || list(&path).map_err(|_| internal())).await
    }

    pub(crate) async fn benchmark(&self) -> Option<Arc<Benchmark>> {
        let snapshot = self.snapshot(&BENCHMARK.parse().ok()?).await.ok()?;
        let mut market = self.market.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((computed_from, benchmark)) = &*market
            && Arc::ptr_eq(computed_from, &snapshot)
        {
            return Some(benchmark.clone());
        }
        let benchmark = Arc::new(Benchmark::from_history(BENCHMARK, &snapshot.history));
        *market = Some((snapshot, benchmark.clone()));
        Some(benchmark)
    }

    pub(crate) fn entries(&self) -> usize {
        self.parsed.len()
    }

    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.symbols().await.map(drop)
    }

    fn parsed_at(&self, symbol: &Symbol, stamp: Stamp) -> Option<Result<Arc<Snapshot>, Error>> {
        self.parsed.get(symbol).filter(|(at, _)| *at == stamp).map(|(_, outcome)| outcome)
    }
}

impl std::fmt::Debug for CsvDirectory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CsvDirectory").field("path", &self.path).finish_non_exhaustive()
    }
}

fn list(path: &Path) -> std::io::Result<Vec<SymbolListing>> {
    let mut symbols = Vec::new();
    for entry in std::fs::read_dir(path)?.take(FILES_LISTED_MAX) {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".csv"));
        let symbol =
            stem.and_then(|stem| stem.parse::<Symbol>().ok().filter(|symbol| symbol.as_str() == stem));
        symbols.extend(symbol.map(|symbol| SymbolListing { symbol, name: None }));
    }
    symbols.sort_by_key(|listing| listing.symbol);
    Ok(symbols)
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
