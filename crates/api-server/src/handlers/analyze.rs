//! `GET /api/analyze/{symbol}`: the explained analysis of a symbol.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use domain::BarsView;
use symbol_analysis::{AnalysisResponse, SymbolData, Window, analyze};

use super::window::{self, DAYS, TIMEFRAME};
use super::{IfNoneMatch, Parameters, SymbolPath, etag};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::request_context::RequestContext;
use crate::response_cache::CacheKey;
use crate::schemas::{NotModifiedOrProblems, SymbolParameter, WindowParameters};
use crate::state::Api;

/// The explained analysis of a symbol
///
/// Indicators, risk, fundamentals and news sentiment, and one signal that is computed from them. An engine without a result
/// reports why, and has no part in the signal.
#[utoipa::path(
    get,
    path = "/api/analyze/{symbol}",
    operation_id = "analyzeSymbol",
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
    let window = window::parse(&parameters)?;
    let snapshot = api.market_data.snapshot(&symbol).await?;
    let (benchmark, risk_free) = (api.market_data.benchmark().await, api.market_data.risk_free());
    let data =
        SymbolData { snapshot: &snapshot, benchmark: benchmark.as_deref(), risk_free: risk_free.as_deref() };
    let first_bar = window.first_bar(&snapshot.history);
    let key = CacheKey::for_analysis(&snapshot, data.benchmark, window.timeframe, first_bar);
    let encoding = context.content_encoding.get().copied().unwrap_or_default();
    let compute = || compute(&data, window, first_bar, &api);
    let representation = api.response_cache.get_or_compute(key, encoding, compute)?;
    Ok(if_none_match.respond(representation))
}

fn compute(
    data: &SymbolData<'_>,
    window: Window,
    first_bar: usize,
    api: &Api,
) -> Result<Representation, Problem> {
    let SymbolData { snapshot, benchmark, .. } = *data;
    let timeframe = window.timeframe;
    let indicators = |bars: BarsView<'_>| api.indicators.of(snapshot, timeframe, bars);
    let body = Representation::serialize(&analyze(data, window, &api.models, indicators))?;
    // The benchmark may be unavailable now and available at the next request for the same data.
    let market_version = benchmark.map_or(0, |market| market.version);
    let variant = format!("analyze-{}-{first_bar}-{market_version:x}", timeframe.as_str());
    Ok(Representation::new(body, etag(snapshot, &variant)))
}
