//! One interface for every source of market data.

use std::path::Path;
use std::sync::Arc;

use domain::{DatedValues, Symbol};

use crate::csv_directory::{self, CsvDirectory, OpenError};
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
            Self::Bundled(_) => sample::snapshot(symbol).ok_or(Error::UnknownSymbol { symbol: *symbol }),
            Self::CsvDirectory(files) => files.snapshot(symbol).await,
            Self::Polygon(vendor) => vendor.snapshot(symbol).await,
        }
    }

    /// The symbols that have data: all symbols of the sample or a directory, and the cached symbols of a vendor.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub async fn symbols(&self) -> Result<Vec<SymbolListing>, Error> {
        match self {
            Self::Bundled(_) => Ok(sample::symbols()),
            Self::CsvDirectory(files) => files.symbols().await,
            Self::Polygon(vendor) => Ok(vendor.symbols()),
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
