//! A directory of CSV files: `<SYMBOL>.csv`, one for each symbol, read again when it changes.
//!
//! A file counts as changed when its size, its inode, or its time of modification or of change of status differs. To replace a
//! file, rename the complete new file over it: a file that is read while it is written is used incompletely, until it changes
//! again.

mod check;
mod file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Symbol;
use quick_cache::sync;
use tokio::sync::Semaphore;

use crate::{Benchmark, Clock, Error, Outage, Snapshot, Stats};
use check::CheckedFiles;
use file::Stamp;

pub use check::{FileReport, FileSummary, check};
pub use file::snapshot as read_file;

/// Name of this source in responses.
pub(crate) const DATA_SOURCE: &str = "csv directory";
/// Most entries of the directory that are seen.
pub const FILES_MAX: usize = 10_000;
/// Most parsed files that are cached.
const FILES_CACHED_MAX: usize = 256;
/// Most files that are parsed at once for requests.
const PARSES_MAX: usize = 4;
/// Pause before an unreadable directory should be read again.
const RETRY_AFTER_S: u32 = 5;
/// The symbol that others are compared with, if it has a file.
const BENCHMARK: &str = "SPY";
/// What a file's name ends in.
const EXTENSION: &str = "csv";

type Parsed = (Stamp, Result<Arc<Snapshot>, Error>);

/// The directory and its parsed files.
pub struct CsvDirectory {
    path: PathBuf,
    clock: Clock,
    parsed: sync::Cache<Symbol, Parsed>,
    parses: Semaphore,
    checked: Arc<CheckedFiles>,
    /// One check of all files at a time: the next one finds most of them unchanged.
    checks: Arc<Semaphore>,
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

impl OpenError {
    fn new(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self { path: path.to_owned(), source }
    }
}

impl CsvDirectory {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        std::fs::read_dir(path).map_err(OpenError::new(path))?;
        Ok(Self {
            path: path.to_owned(),
            clock,
            parsed: sync::Cache::new(FILES_CACHED_MAX),
            parses: Semaphore::new(PARSES_MAX),
            checked: Arc::default(),
            checks: Arc::new(Semaphore::new(1)),
            market: Mutex::default(),
            stats: Stats::default(),
        })
    }

    pub(crate) async fn snapshot(&self, symbol: &Symbol) -> Result<Arc<Snapshot>, Error> {
        let path = self.file_of(*symbol);
        let stamp = blocking(move || Ok(file::stamp(&path).ok())).await?;
        if let Some(outcome) = stamp.and_then(|stamp| self.parsed_at(symbol, stamp)) {
            crate::stats::count(&self.stats.cache_hits);
            return outcome;
        }
        let _permit = self.parses.acquire().await.map_err(|_| internal())?;
        let symbol = self.resolve(*symbol).await?;
        let path = self.file_of(symbol);
        let stamp = blocking({
            let path = path.clone();
            move || Ok(file::stamp(&path))
        });
        let stamp = stamp.await?.map_err(|fault| file::unusable(&path, symbol, fault))?;
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

    /// Every file with its outcome, in the order of names. Only those that changed are read.
    pub(crate) async fn reports(&self) -> Result<Vec<Arc<FileReport>>, Error> {
        let permit = Arc::clone(&self.checks).acquire_owned().await.map_err(|_| internal())?;
        let (checked, path, now_unix_ms) = (Arc::clone(&self.checked), self.path.clone(), (self.clock)());
        blocking(move || {
            let _permit = permit;
            checked.refresh(&path, now_unix_ms).map_err(|_| internal())
        })
        .await
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

    /// Lists the directory, and lets a check of its files, which logs unusable ones, go on in the background.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let path = self.path.clone();
        blocking(move || names(&path).map_err(|_| internal())).await?;
        if let Ok(permit) = Arc::clone(&self.checks).try_acquire_owned() {
            let (checked, path, now_unix_ms) = (Arc::clone(&self.checked), self.path.clone(), (self.clock)());
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                // The next probe reports a directory that cannot be read.
                drop(checked.refresh(&path, now_unix_ms));
            });
        }
        Ok(())
    }

    /// The symbol in the name of a file. A file system may ignore case, so that the name decides, and not whether it opens.
    async fn resolve(&self, symbol: Symbol) -> Result<Symbol, Error> {
        let path = self.path.clone();
        let names = blocking(move || names(&path).map_err(|_| internal())).await?;
        let symbols = names.iter().filter_map(|name| file::symbol(Path::new(name)));
        symbol.resolve(symbols).map_err(|similar| Error::UnknownSymbol { symbol, similar })
    }

    /// A symbol consists of letters, digits and inner `.` and `-`: the path cannot leave the directory.
    fn file_of(&self, symbol: Symbol) -> PathBuf {
        self.path.join(format!("{symbol}.{EXTENSION}"))
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

/// The names of the CSV files in a directory, sorted.
fn names(path: &Path) -> std::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)?.take(FILES_MAX) {
        let name = entry?.file_name();
        let extension = Path::new(&name).extension();
        if extension.is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION)) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(internal()))
}

fn internal() -> Error {
    Error::Unavailable { kind: Outage::Internal, retry_after_s: RETRY_AFTER_S }
}

#[cfg(test)]
mod tests;
