//! `GET /api/analyze/{symbol}`: the explained analysis of a symbol.

use std::sync::Arc;

use analysis::{AnalysisInput, Models, analyze};
use axum::extract::{Extension, State};
use axum::response::Response;
use domain::{Date, DatedValues};
use market_data::{Benchmark, MarketData, Snapshot};

use super::analysis_response::{AnalysisResponse, rfc_3339};
use super::window::{DAYS, TIMEFRAME};
use super::{IfNoneMatch, Parameters, Provenance, SymbolPath, Window, provenance};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::request_context::RequestContext;
use crate::response_cache::{CacheKey, ResponseCache};
use crate::schemas::{Problems, SymbolParameter, WindowParameters};

const DAY_S: i64 = 86_400;

/// The explained analysis of a symbol
///
/// Indicators, risk, fundamentals and the tone of news, and one signal computed from them with every input.
/// An engine without a result says why and does not count.
#[utoipa::path(
    get,
    path = "/api/analyze/{symbol}",
    tag = "analysis",
    params(SymbolParameter, WindowParameters),
    responses(
        (status = 200, description = "The analysis", body = AnalysisResponse),
        (status = 304, description = "The cached copy is current"),
        Problems,
    )
)]
pub(crate) async fn get(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    Extension(context): Extension<RequestContext>,
    State(market_data): State<Arc<MarketData>>,
    State(cache): State<Arc<ResponseCache>>,
    State(models): State<Arc<Models>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[TIMEFRAME, DAYS])?;
    let window = Window::parse(&parameters)?;
    let snapshot = market_data.snapshot(&symbol).await?;
    let first_bar = window.first_bar(&snapshot.history);
    let (benchmark, risk_free) = (market_data.benchmark().await, market_data.risk_free());
    let key = CacheKey::for_analysis(&snapshot, benchmark.as_deref(), window.timeframe(), first_bar);
    let market = Market { benchmark: benchmark.as_deref(), risk_free: risk_free.as_deref() };
    let compute = || compute(&snapshot, market, window, first_bar, &models);
    let representation = cache.get_or_compute(key, context.content_encoding(), compute)?;
    Ok(if_none_match.respond(representation))
}

/// What a symbol is compared with.
#[derive(Clone, Copy)]
struct Market<'a> {
    benchmark: Option<&'a Benchmark>,
    risk_free: Option<&'a DatedValues>,
}

fn compute(
    snapshot: &Snapshot,
    market: Market<'_>,
    window: Window,
    first_bar: usize,
    models: &Models,
) -> Result<Representation, Problem> {
    let timeframe = window.timeframe();
    let Market { benchmark, risk_free } = market;
    let history = &snapshot.history;
    let (bars, first) = window.bars(history.adjusted(), first_bar);
    let (raw, _) = window.bars(history.raw(), first_bar);
    let now_unix_s = now_unix_s(snapshot);
    let input = AnalysisInput {
        symbol: history.symbol(),
        timeframe,
        bars: bars.view().from(first),
        raw: raw.view().from(first),
        price_basis: history.basis(),
        raw_basis: history.raw_basis(),
        benchmark: benchmark
            .map(|market| analysis::Benchmark { name: market.name, returns: &market.returns }),
        risk_free,
        filings: &snapshot.filings,
        news: snapshot.news.as_deref(),
        now_unix_s,
    };
    let body = Representation::serialize(&AnalysisResponse {
        name: snapshot.name.as_deref(),
        timestamp: rfc_3339(now_unix_s),
        provenance: Provenance::from_snapshot(snapshot),
        analysis: analyze(&input, models),
    })?;
    // A benchmark that is unavailable now may be available at the next request for the same data.
    let market_version = benchmark.map_or(0, |market| market.version);
    let variant = format!("analyze-{}-{first_bar}-{market_version:x}", timeframe.as_str());
    Ok(Representation::new(body, provenance::etag(snapshot, &variant)))
}

/// The time that news are recent against: when the data was fetched, so that the same data gives the same response at any
/// time.
fn now_unix_s(snapshot: &Snapshot) -> i64 {
    let midnight_of = |date: Date| i64::from(date.days()) * DAY_S;
    snapshot.fetched_at_unix_ms.map_or_else(|| midnight_of(snapshot.as_of), |fetched_ms| fetched_ms / 1000)
}
