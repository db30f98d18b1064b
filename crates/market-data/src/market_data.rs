//! One interface for every source of market data.

use std::path::Path;
use std::sync::Arc;

use domain::{DatedValues, Symbol};
use serde::Serialize;

use crate::csv_directory::{self, CsvDirectory, FileReport, OpenError};
use crate::polygon::{self, KeySource, Polygon};
use crate::{Benchmark, Clock, Error, Snapshot, Stats, SymbolListing, sample};

/// A source of market data.
#[derive(Debug)]
pub enum MarketData {
    /// The data compiled into the program.
    Bundled(Stats),
    /// A directory of CSV files.
    CsvDirectory(CsvDirectory),
    /// The vendor, over HTTPS, behind a cache.
    Polygon(Polygon),
}

/// The symbols of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Symbols that have data, sorted.
    pub symbols: Vec<SymbolListing>,
    /// Number of files that cannot be used.
    pub unusable_total: usize,
    /// The first [`UNUSABLE_LISTED_MAX`] of them, in the order of names.
    pub unusable: Vec<UnusableFile>,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusableFile {
    /// Its name.
    pub file: String,
    /// The code of [`crate::FileFault`].
    pub reason: &'static str,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// Most unusable files that are listed.
const UNUSABLE_LISTED_MAX: usize = 100;

impl Listing {
    fn of(symbols: Vec<SymbolListing>) -> Self {
        Self { symbols, ..Self::default() }
    }

    fn of_files(reports: &[Arc<FileReport>]) -> Self {
        let mut listing = Self::default();
        for FileReport { file, symbol, outcome } in reports.iter().map(|report| &**report) {
            match (symbol, outcome) {
                (Some(symbol), Ok(_)) => {
                    listing.symbols.push(SymbolListing { symbol: *symbol, name: None });
                }
                (_, Err(fault)) => {
                    listing.unusable_total += 1;
                    let (reason, detail) = (fault.code(), fault.to_string());
                    listing.unusable.push(UnusableFile { file: file.clone(), reason, detail });
                }
                (None, Ok(_)) => {}
            }
        }
        listing.symbols.sort_by_key(|listing| listing.symbol);
        listing.unusable.truncate(UNUSABLE_LISTED_MAX);
        listing
    }
}

impl MarketData {
    /// The bundled sample: no key, no network.
    #[must_use]
    pub fn bundled() -> Self {
        Self::Bundled(Stats::default())
    }

    /// The files `<SYMBOL>.csv` of a directory: no key, no network.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn csv_directory(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        CsvDirectory::open(path, clock).map(Self::CsvDirectory)
    }

    /// Polygon (Massive), with the key loaded from `key` for each call. Makes no call yet.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn polygon(
        config: polygon::Config,
        key: KeySource,
        clock: Clock,
    ) -> Result<Self, polygon::BuildError> {
        Polygon::new(config, key, clock).map(Self::Polygon)
    }

    /// The data of `symbol`.
    ///
    /// # Errors
    /// When there are no bars; other parts that failed are in [`Snapshot::missing`].
    pub async fn snapshot(&self, symbol: &Symbol) -> Result<Arc<Snapshot>, Error> {
        match self {
            Self::Bundled(_) => {
                sample::snapshot(*symbol).map_err(|similar| Error::UnknownSymbol { symbol: *symbol, similar })
            }
            Self::CsvDirectory(files) => files.snapshot(symbol).await,
            Self::Polygon(vendor) => vendor.snapshot(symbol).await,
        }
    }

    /// The symbols that have data: all symbols of the sample or a directory, and the cached symbols of a vendor.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub async fn symbols(&self) -> Result<Listing, Error> {
        match self {
            Self::Bundled(_) => Ok(Listing::of(sample::symbols())),
            Self::CsvDirectory(files) => Ok(Listing::of_files(&files.reports().await?)),
            Self::Polygon(vendor) => Ok(Listing::of(vendor.symbols())),
        }
    }

    /// The market's returns, if the source has them. Without them, figures against the market are absent.
    pub async fn benchmark(&self) -> Option<Arc<Benchmark>> {
        match self {
            Self::Bundled(_) => Some(sample::benchmark()),
            Self::CsvDirectory(files) => files.benchmark().await,
            Self::Polygon(vendor) => vendor.benchmark().await,
        }
    }

    /// The annual risk-free rate by date, as a fraction, if the source has it.
    #[must_use]
    pub fn risk_free(&self) -> Option<Arc<DatedValues>> {
        match self {
            Self::Bundled(_) => Some(sample::risk_free()),
            Self::CsvDirectory(_) | Self::Polygon(_) => None,
        }
    }

    /// Checks that the source is available, with at most one small call.
    ///
    /// # Errors
    /// The last failure of the source, if no call has succeeded since.
    pub async fn probe(&self) -> Result<(), Error> {
        match self {
            Self::Bundled(_) => Ok(()),
            Self::CsvDirectory(files) => files.probe().await,
            Self::Polygon(vendor) => vendor.probe().await,
        }
    }

    /// Whether its data is the bundled sample, which ends in 2013.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        matches!(self, Self::Bundled(_))
    }

    /// Name of the source in responses.
    #[must_use]
    pub fn data_source(&self) -> &'static str {
        match self {
            Self::Bundled(_) => sample::DATA_SOURCE,
            Self::CsvDirectory(_) => csv_directory::DATA_SOURCE,
            Self::Polygon(_) => polygon::DATA_SOURCE,
        }
    }

    /// Number of cached symbols; the sample needs no cache.
    #[must_use]
    pub fn entries(&self) -> usize {
        match self {
            Self::Bundled(_) => 0,
            Self::CsvDirectory(files) => files.entries(),
            Self::Polygon(vendor) => vendor.entries(),
        }
    }

    /// Whether calls are paused after a 429 of the vendor.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        match self {
            Self::Bundled(_) | Self::CsvDirectory(_) => false,
            Self::Polygon(vendor) => vendor.is_rate_limited(),
        }
    }

    /// Counters for the metrics.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        match self {
            Self::Bundled(stats) => stats,
            Self::CsvDirectory(files) => &files.stats,
            Self::Polygon(vendor) => &vendor.stats,
        }
    }
}
