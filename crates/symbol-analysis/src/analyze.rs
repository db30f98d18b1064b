//! The input of an analysis, from everything that is known of a symbol.

use std::sync::Arc;

use analysis::{AnalysisInput, Models, RecursiveIndicators};
use domain::{BarsView, Date, DatedValues};
use market_data::{Benchmark, Snapshot};

use crate::provenance::{Provenance, dropped};
use crate::{AnalysisResponse, Window};

const DAY_S: i64 = 86_400;

/// Everything that the analysis of a symbol is computed from.
#[derive(Clone, Copy, Debug)]
pub struct SymbolData<'a> {
    /// The symbol's data.
    pub snapshot: &'a Snapshot,
    /// The market, if its returns are known.
    pub benchmark: Option<&'a Benchmark>,
    /// Annual risk-free rate by date, as a fraction, if it is known.
    pub risk_free: Option<&'a DatedValues>,
}

/// Analyzes a symbol over a window. `indicators` computes or caches the recursive indicators of the bars that it is given: all
/// bars of the symbol in the window's timeframe.
pub fn analyze<'a>(
    data: &SymbolData<'a>,
    window: Window,
    models: &Models,
    indicators: impl FnOnce(BarsView<'_>) -> Arc<RecursiveIndicators>,
) -> AnalysisResponse<'a> {
    let SymbolData { snapshot, benchmark, risk_free } = *data;
    let history = &*snapshot.history;
    let (bars, window_start) = window.bars(history.adjusted(), window.first_bar(history));
    let bars = bars.view();
    let indicators = indicators(bars);
    let (levels, levels_basis) = history.levels();
    let now_unix_s = now_unix_s(snapshot);
    let input = AnalysisInput {
        symbol: history.symbol(),
        timeframe: window.timeframe,
        bars,
        window_start,
        indicators: Some(&indicators),
        price_basis: history.basis(),
        volume_basis: history.volume_basis(),
        dropped: dropped(&snapshot.quality),
        levels: levels.view(),
        levels_basis,
        daily: Some(history.adjusted().view()),
        traded_close: history.raw().view().close.last().copied(),
        shares: history.shares(),
        benchmark: benchmark
            .map(|market| analysis::Benchmark { name: market.name, returns: &market.returns }),
        risk_free,
        filings: &snapshot.filings,
        news: snapshot.news.as_deref(),
        now_unix_s,
    };
    let analysis = analysis::analyze(&input, models);
    AnalysisResponse::new(snapshot.name.as_deref(), now_unix_s, Provenance::from_snapshot(snapshot), analysis)
}

/// The reference time for the age of news: when the data was fetched, so that the same data always gives the same analysis.
fn now_unix_s(snapshot: &Snapshot) -> i64 {
    let midnight_of = |date: Date| i64::from(date.days()) * DAY_S;
    snapshot.fetched_at_unix_ms.map_or_else(|| midnight_of(snapshot.as_of), |fetched_ms| fetched_ms / 1000)
}
