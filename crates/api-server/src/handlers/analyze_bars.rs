//! `POST /api/analyze`: the analysis of bars in the request. The bars are not stored.

use std::sync::Arc;

use analysis::{AnalysisInput, analyze};
use axum::extract::State;
use domain::{Bars, Date, PriceBasis, RawBar, RefusedBar, Symbol, Timeframe};
use market_data::{Quality, REFUSED_LISTED_MAX, RefusedRow, RowFault, RowLocation};
use serde::Deserialize;
use utoipa::ToSchema;

use super::analysis_response::{AnalysisResponse, rfc_3339};
use super::parameters::unprocessable;
use super::{DataQuality, JsonBody, Parameters, Provenance};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::schemas::Problems;
use crate::state::Api;

/// Most bars of one request: about 80 years of daily bars.
const BARS_MAX: usize = 20_000;
const DAY_S: i64 = 86_400;

/// Bars to analyze.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalysisRequest {
    /// A symbol for the bars.
    #[schema(
        value_type = String,
        pattern = "^[A-Za-z][A-Za-z0-9]{0,7}([.-][A-Za-z0-9]{1,3})?$",
        example = "MINE"
    )]
    symbol: Symbol,
    /// The timeframe of a bar; `1d` by default.
    #[schema(inline, value_type = Option<crate::schemas::TimeframeName>)]
    timeframe: Option<Timeframe>,
    /// What prices are adjusted for; `raw` by default.
    #[schema(inline, value_type = Option<crate::schemas::PriceBasisName>)]
    price_basis: Option<PriceBasis>,
    /// Oldest first.
    #[schema(min_items = 1, max_items = 20_000)]
    bars: Vec<BarInput>,
}

/// A bar in the request, before its validation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BarInput {
    /// Exchange date on which the bar begins, 1900 to 2199.
    #[schema(value_type = String, format = Date)]
    date: Date,
    /// First price.
    open: f64,
    /// Highest price.
    high: f64,
    /// Lowest price.
    low: f64,
    /// Last price.
    close: f64,
    /// Shares traded.
    volume: f64,
}

/// Analyze your own bars
///
/// Invalid bars (a price that is not positive, a high below a low, a date out of order) are ignored and listed in
/// `data_quality`. If no bar is valid, the status is 422.
#[utoipa::path(
    post,
    path = "/api/analyze",
    tag = "analysis",
    request_body = AnalysisRequest,
    responses((status = 200, description = "The analysis", body = AnalysisResponse), Problems)
)]
pub(crate) async fn post(
    parameters: Parameters,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<AnalysisRequest>,
) -> Result<Representation, Problem> {
    parameters.allow_only(&[])?;
    let AnalysisRequest { symbol, timeframe, price_basis, bars } = request;
    if bars.len() > BARS_MAX {
        return Err(unprocessable("bars", format!("must have at most {BARS_MAX} bars")));
    }
    let (bars, refused) = Bars::from_raw(bars.into_iter().map(BarInput::raw));
    let quality = quality(&refused);
    let Some(newest) = bars.view().date.last().copied() else {
        return Err(
            unprocessable("bars", "must have at least one valid bar").with("refused", refused_json(&quality))
        );
    };
    let (benchmark, risk_free) = (api.market_data.benchmark().await, api.market_data.risk_free());
    let price_basis = price_basis.unwrap_or(PriceBasis::Raw);
    let now_unix_s = i64::from(newest.days()) * DAY_S;
    let input = AnalysisInput {
        symbol: &symbol,
        timeframe: timeframe.unwrap_or_default(),
        bars: bars.view(),
        raw: bars.view(),
        price_basis,
        raw_basis: price_basis,
        benchmark: benchmark
            .as_deref()
            .map(|market| analysis::Benchmark { name: market.name, returns: &market.returns }),
        risk_free: risk_free.as_deref(),
        filings: &[],
        news: None,
        now_unix_s,
    };
    let body = Representation::serialize(&AnalysisResponse {
        name: None,
        timestamp: rfc_3339(now_unix_s),
        provenance: Provenance {
            data_source: "request",
            fetched_at: None,
            stale: false,
            age_s: None,
            data_quality: DataQuality::new(&quality, &[]),
        },
        analysis: analyze(&input, &api.models),
    })?;
    Ok(Representation::new(body, None))
}

impl BarInput {
    fn raw(self) -> RawBar {
        let Self { date, open, high, low, close, volume } = self;
        RawBar { date, open, high, low, close, volume }
    }
}

fn quality(refused: &[RefusedBar]) -> Quality {
    let row = |bar: &RefusedBar| RefusedRow {
        location: RowLocation::Position { position: bar.position },
        date: Some(bar.date),
        reason: RowFault::Bar(bar.reason),
    };
    Quality {
        refused_total: refused.len(),
        refused: refused.iter().take(REFUSED_LISTED_MAX).map(row).collect(),
        notes: Vec::new(),
    }
}

fn refused_json(quality: &Quality) -> serde_json::Value {
    serde_json::to_value(&quality.refused).unwrap_or_default()
}
