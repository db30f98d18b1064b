//! `GET /api/analyze/{symbol}`: the explained analysis of a symbol.

use std::sync::Arc;

use analysis::{AnalysisInput, Models, analyze};
use axum::extract::{Extension, State};
use axum::response::Response;
use domain::{Date, DatedValues};
use market_data::{Benchmark, Snapshot};

use super::analysis_response::{AnalysisResponse, rfc_3339};
use super::window::{DAYS, TIMEFRAME};
use super::{IfNoneMatch, Parameters, Provenance, SymbolPath, Window, provenance};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::request_context::RequestContext;
use crate::response_cache::CacheKey;
use crate::schemas::{NotModifiedOrProblems, SymbolParameter, WindowParameters};
use crate::state::Api;

const DAY_S: i64 = 86_400;

/// The explained analysis of a symbol
///
/// Indicators, risk, fundamentals and news sentiment, and one signal that is computed from them. An engine without a result
/// reports why, and has no part in the signal.
#[utoipa::path(
    get,
    path = "/api/analyze/{symbol}",
    tag = "analysis",
    params(SymbolParameter, WindowParameters),
    responses((status = 200, description = "The analysis", body = AnalysisResponse), NotModifiedOrProblems)
)]
pub(crate) async fn get(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    Extension(context): Extension<Arc<RequestContext>>,
    State(api): State<Arc<Api>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[TIMEFRAME, DAYS])?;
    let window = Window::parse(&parameters)?;
    let snapshot = api.market_data.snapshot(&symbol).await?;
    let first_bar = window.first_bar(&snapshot.history);
    let (benchmark, risk_free) = (api.market_data.benchmark().await, api.market_data.risk_free());
    let (benchmark, risk_free) = (benchmark.as_deref(), risk_free.as_deref());
    let key = CacheKey::for_analysis(&snapshot, benchmark, window.timeframe, first_bar);
    let encoding = context.content_encoding.get().copied().unwrap_or_default();
    let compute = || compute(&snapshot, benchmark, risk_free, window, first_bar, &api.models);
    let representation = api.response_cache.get_or_compute(key, encoding, compute)?;
    Ok(if_none_match.respond(representation))
}

fn compute(
    snapshot: &Snapshot,
    benchmark: Option<&Benchmark>,
    risk_free: Option<&DatedValues>,
    window: Window,
    first_bar: usize,
    models: &Models,
) -> Result<Representation, Problem> {
    let timeframe = window.timeframe;
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
    // The benchmark may be unavailable now and available at the next request for the same data.
    let market_version = benchmark.map_or(0, |market| market.version);
    let variant = format!("analyze-{}-{first_bar}-{market_version:x}", timeframe.as_str());
    Ok(Representation::new(body, provenance::etag(snapshot, &variant)))
}

/// The reference time for the age of news: when the data was fetched, so that the same data always gives the same response.
fn now_unix_s(snapshot: &Snapshot) -> i64 {
    let midnight_of = |date: Date| i64::from(date.days()) * DAY_S;
    snapshot.fetched_at_unix_ms.map_or_else(|| midnight_of(snapshot.as_of), |fetched_ms| fetched_ms / 1000)
}
