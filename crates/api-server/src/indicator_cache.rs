//! Caches the recursive indicators of the newest bar, which depend on all bars but not on the window of a request.
//!
//! So an analysis reads a window of bars and not the whole history, although its indicators are those of the whole history. The
//! key has the version of the data; an entry that is missing is computed.

use std::sync::Arc;

use analysis::RecursiveIndicators;
use domain::{BarsView, Symbol, Timeframe};
use market_data::Snapshot;
use quick_cache::sync::Cache;

/// Most entries: each symbol of a full market-data cache in each timeframe. An entry has about 1 KB.
const ENTRIES_MAX: usize = 1_024;

/// Recursive indicators by symbol, version of its data, and timeframe.
#[derive(Debug)]
pub(crate) struct IndicatorCache(Cache<(Symbol, u64, Timeframe), Arc<RecursiveIndicators>>);

impl IndicatorCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ENTRIES_MAX))
    }

    /// The recursive indicators of `bars`, which are all bars of `snapshot` in `timeframe`.
    pub(crate) fn of(
        &self,
        snapshot: &Snapshot,
        timeframe: Timeframe,
        bars: BarsView<'_>,
    ) -> Arc<RecursiveIndicators> {
        let key = (*snapshot.history.symbol(), snapshot.version, timeframe);
        if let Some(cached) = self.0.get(&key) {
            return cached;
        }
        let computed = Arc::new(RecursiveIndicators::new(bars));
        self.0.insert(key, Arc::clone(&computed));
        computed
    }
}
