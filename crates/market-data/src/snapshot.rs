//! The data of one symbol at one moment. Cheap to clone: the large parts are shared.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use domain::{BarsView, Date, DatedValues, Filing, History, NewsItem, PriceBasis, Symbol};
use serde::Serialize;

use crate::{Error, Mapping, Quality};

/// Name of the bundled sample in responses.
pub(crate) const SAMPLE: &str = "bundled sample";

/// One symbol's data with its provenance.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Daily bars; never empty.
    pub history: Arc<History>,
    /// The company's name.
    pub name: Option<Arc<str>>,
    /// Filings, in any order.
    pub filings: Arc<[Filing]>,
    /// News; `None` when the source has no news or fetching them failed (see `missing`).
    pub news: Option<Arc<[NewsItem]>>,
    /// Absent parts, and why. A part that is present and empty is not in this list.
    pub missing: Arc<[AbsentPart]>,
    /// Rows that were refused, and limits of the source.
    pub quality: Arc<Quality>,
    /// How its file was read; `None` for other sources.
    pub mapping: Option<Arc<Mapping>>,
    /// Name of the source: `bundled sample`, `csv directory` or `polygon`.
    pub data_source: &'static str,
    /// Date of the newest bar.
    pub as_of: Date,
    /// Time of the fetch, in milliseconds since 1970; `None` for bundled data.
    pub fetched_at_unix_ms: Option<i64>,
    /// Whether it is as recent as its source's settings promise.
    pub freshness: Freshness,
    /// Changes with bars, name, filings, news and missing parts; equal data has an equal version.
    pub version: u64,
}

/// Whether a snapshot is as recent as its source's settings promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Freshness {
    /// As recent as the settings promise.
    Fresh,
    /// Older, because the next fetch is in flight or failed.
    Stale {
        /// Age in seconds.
        age_s: u64,
    },
}

/// A part of a snapshot that may fail alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The company's name.
    Details,
    /// Filings.
    Financials,
    /// News.
    News,
}

/// A part that a snapshot lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentPart {
    /// The absent part.
    pub part: Part,
    /// The failure; `None` when the source has no such data.
    pub error: Option<Error>,
}

/// A symbol that has data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SymbolListing {
    /// Symbol, unique in a list.
    pub symbol: Symbol,
    /// The company's name, where known.
    pub name: Option<String>,
}

/// The market that a symbol is compared with.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// Symbol of the market's index or fund.
    pub name: &'static str,
    /// Daily simple returns by date.
    pub returns: DatedValues,
    /// What the returns include: with `SplitDividend` they are total returns.
    pub price_basis: PriceBasis,
    /// Changes with the returns; equal returns have an equal version.
    pub version: u64,
}

impl Snapshot {
    /// Whether it is older than its source's settings promise.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self.freshness, Freshness::Stale { .. })
    }

    /// Whether it is of the bundled sample, which ends in 2013.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        self.data_source == SAMPLE
    }

    pub(crate) fn compute_version(
        history: &History,
        name: Option<&str>,
        filings: &[Filing],
        news: Option<&[NewsItem]>,
        missing: &[AbsentPart],
    ) -> u64 {
        let mut hasher = DefaultHasher::new();
        hash_bars(history.raw().view(), &mut hasher);
        hash_bars(history.adjusted().view(), &mut hasher);
        name.hash(&mut hasher);
        // Floats do not implement `Hash`; their debug text parses to the same float.
        format!("{filings:?}").hash(&mut hasher);
        format!("{news:?}").hash(&mut hasher);
        missing.iter().for_each(|missing| missing.part.hash(&mut hasher));
        hasher.finish()
    }
}

impl Benchmark {
    pub(crate) fn new(name: &'static str, returns: DatedValues, price_basis: PriceBasis) -> Self {
        let mut hasher = DefaultHasher::new();
        returns.dates().hash(&mut hasher);
        returns.values().iter().for_each(|value| hasher.write_u64(value.to_bits()));
        Self { name, returns, price_basis, version: hasher.finish() }
    }

    /// Simple daily returns of a history's adjusted closes.
    pub(crate) fn from_history(name: &'static str, history: &History) -> Self {
        let bars = history.adjusted().view();
        let returns = bars.close.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
        let returns = DatedValues::from_pairs(bars.date.iter().copied().skip(1).zip(returns));
        Self::new(name, returns, history.basis())
    }
}

fn hash_bars(bars: BarsView<'_>, hasher: &mut DefaultHasher) {
    bars.date.hash(hasher);
    for column in [bars.open, bars.high, bars.low, bars.close, bars.volume] {
        column.iter().for_each(|value| hasher.write_u64(value.to_bits()));
    }
}
