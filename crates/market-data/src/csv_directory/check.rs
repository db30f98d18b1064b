//! Checks every file of a directory, whether anybody asks for its symbol or not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Date, PriceBasis, Symbol};

use super::file::Stamp;
use super::{FILES_MAX, OpenError, file, names};
use crate::csv_file::CsvFile;
use crate::{FileFault, Mapping, Quality};

/// Most unusable files that one check logs.
const LOGGED_MAX: usize = 100;

/// One file, and whether it can be used.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// The symbol in its name, if that is one.
    pub symbol: Option<Symbol>,
    /// Its bars, or why there are none.
    pub outcome: Result<FileSummary, FileFault>,
}

/// The bars of a file.
#[derive(Clone, Debug)]
pub struct FileSummary {
    /// Number of bars.
    pub bars: usize,
    /// Date of the oldest bar.
    pub first_date: Date,
    /// Date of the newest bar.
    pub as_of: Date,
    /// What adjusted prices are adjusted for.
    pub price_basis: PriceBasis,
    /// Rows that are left out, and limits of the data.
    pub quality: Quality,
    /// Which column was read as what, and how.
    pub mapping: Mapping,
}

/// Checks every `*.csv` of a directory, in the order of names. Rows dated more than a day after now are left out.
///
/// # Errors
/// When the directory cannot be listed.
pub fn check(directory: &Path, now_unix_ms: i64) -> Result<Vec<Arc<FileReport>>, OpenError> {
    CheckedFiles::default().refresh(directory, now_unix_ms).map_err(OpenError::new(directory))
}

/// The outcome of the last check of each file.
#[derive(Default)]
pub(super) struct CheckedFiles(Mutex<BTreeMap<OsString, CheckedFile>>);

struct CheckedFile {
    /// `None`: it cannot be read.
    stamp: Option<Stamp>,
    report: Arc<FileReport>,
}

impl CheckedFiles {
    /// Checks the files that are new or have changed; logs those of them that cannot be used.
    pub(super) fn refresh(&self, directory: &Path, now_unix_ms: i64) -> io::Result<Vec<Arc<FileReport>>> {
        let names = names(directory)?;
        if names.len() == FILES_MAX {
            tracing::warn!(limit = FILES_MAX, "market data directory has too many files: some are not seen");
        }
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = std::mem::take(&mut *files);
        let mut logged = 0;
        for name in names {
            let stamp = file::stamp(&directory.join(&name));
            let unchanged =
                last.remove(&name).filter(|checked| checked.stamp == stamp.as_ref().ok().copied());
            let checked = unchanged.unwrap_or_else(|| {
                let report = Arc::new(report(directory, &name, now_unix_ms));
                logged += usize::from(report.outcome.is_err());
                log(&report, logged);
                CheckedFile { stamp: stamp.ok(), report }
            });
            files.insert(name, checked);
        }
        Ok(files.values().map(|checked| Arc::clone(&checked.report)).collect())
    }
}

fn report(directory: &Path, name: &OsString, now_unix_ms: i64) -> FileReport {
    let symbol = file::symbol(Path::new(name));
    let parse = |symbol| file::parse(&directory.join(name), symbol, now_unix_ms);
    let outcome = symbol.ok_or(FileFault::Name).and_then(parse);
    FileReport { file: name.to_string_lossy().into_owned(), symbol, outcome: outcome.and_then(summary) }
}

fn summary(parsed: CsvFile) -> Result<FileSummary, FileFault> {
    let CsvFile { history, quality, mapping } = parsed;
    let bars = history.raw().view();
    let (Some(first_date), Some(as_of)) = (bars.date.first().copied(), history.as_of()) else {
        return Err(FileFault::NoRows);
    };
    Ok(FileSummary { bars: bars.len(), first_date, as_of, price_basis: history.basis(), quality, mapping })
}

fn log(report: &FileReport, unusable: usize) {
    let file = report.file.as_str();
    match &report.outcome {
        Err(fault) if unusable <= LOGGED_MAX => {
            tracing::warn!(file, reason = fault.code(), "market data file cannot be used: {fault}");
        }
        Err(_) => {}
        Ok(summary) if summary.quality.refused_total > 0 => {
            tracing::info!(file, rows = summary.quality.refused_total, "market data file has unusable rows");
        }
        Ok(_) => {}
    }
}
