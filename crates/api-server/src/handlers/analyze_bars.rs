//! `POST /api/analyze`: the analysis of bars in the request. The bars are not stored.

use std::borrow::Cow;
use std::sync::Arc;

use analysis::{AnalysisInput, analyze};
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse as _, Response};
use domain::{Bars, Date, PriceBasis, RawBar, Symbol, Timeframe, VolumeBasis};
use http_body::Body as _;
use market_data::{Benchmark, Quality};
use serde::Deserialize;
use symbol_analysis::{AnalysisResponse, DAYS_MAX, DataQuality, Provenance, dropped, first_bar};
use utoipa::ToSchema;

use super::parameters::unprocessable;
use super::window::DAYS;
use super::{Parameters, bar_spacing, json_body};
use crate::heavy_work::HEAVY_BYTES_MIN;
use crate::problem::Problem;
use crate::representation::Representation;
use crate::request_context::RequestContext;
use crate::schemas::{self, Problems};
use crate::state::Api;

/// Most bars of one request: about 80 years of daily bars.
const BARS_MAX: usize = 20_000;
const DAY_S: i64 = 86_400;
/// Note for prices as traded.
const RAW_NOTE: &str = "prices are not adjusted: splits and dividends appear as price moves";
/// Note for volumes, of which the request does not tell.
const VOLUME_NOTE: &str =
    "volume is as given: if it is not adjusted for a split, figures of volume are distorted around it";

/// Bars to analyze.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalysisRequest {
    /// A symbol for the bars.
    #[schema(value_type = schemas::Symbol)]
    symbol: Symbol,
    /// The timeframe of a bar; `1d` by default.
    #[schema(value_type = Option<schemas::Timeframe>)]
    timeframe: Option<Timeframe>,
    /// What prices are adjusted for; `raw` by default.
    #[schema(value_type = Option<schemas::PriceBasis>)]
    price_basis: Option<PriceBasis>,
    /// Calendar days of the window for return and risk, back from the newest bar; all bars by default. Indicators are computed
    /// from all bars.
    #[schema(value_type = Option<schemas::Days>)]
    days: Option<u32>,
    /// One bar for each day, week or month, as `timeframe` says.
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
/// Invalid bars (a price that is not positive, a high below a low, different bars of one date) are ignored and listed in
/// `data_quality`. If no bar is valid, or bars are not as far apart as the timeframe says, the status is 422.
#[utoipa::path(
    post,
    path = "/api/analyze",
    operation_id = "analyzeBars",
    tag = "analysis",
    request_body = AnalysisRequest,
    responses((status = 200, description = "The analysis", body = AnalysisResponse), Problems)
)]
pub(crate) async fn post(
    parameters: Parameters,
    Extension(context): Extension<Arc<RequestContext>>,
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, Problem> {
    parameters.allow_only(&[])?;
    let bytes = request.body().size_hint().upper().map_or(usize::MAX, |upper| upper as usize);
    let is_heavy = bytes >= HEAVY_BYTES_MIN;
    let limit_status = if is_heavy { api.heavy_work.charge(&context, bytes).await? } else { None };
    let reservation = if is_heavy { Some(api.heavy_work.reserve(&context, bytes).await?) } else { None };
    let body = json_body::read(request, &()).await?;
    let benchmark = api.market_data.benchmark().await;
    let respond = {
        let api = Arc::clone(&api);
        move || {
            let response = respond(&body, benchmark.as_deref(), &api);
            drop((body, reservation));
            response
        }
    };
    let representation = if is_heavy { api.heavy_work.run(&context, respond).await? } else { respond() };
    let mut response = representation?.into_response();
    limit_status.map(|status| response.extensions_mut().insert(status));
    Ok(response)
}

fn respond(body: &[u8], benchmark: Option<&Benchmark>, api: &Api) -> Result<Representation, Problem> {
    let AnalysisRequest { symbol, timeframe, price_basis, days, bars } = json_body::parse(body)?;
    let (timeframe, price_basis) = (timeframe.unwrap_or_default(), price_basis.unwrap_or(PriceBasis::Raw));
    if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(unprocessable(DAYS, format!("must be a whole number from 1 to {DAYS_MAX}")));
    }
    if bars.len() > BARS_MAX {
        return Err(unprocessable("bars", format!("must have at most {BARS_MAX} bars")));
    }
    let (bars, refused) = Bars::from_raw(bars.into_iter().map(BarInput::raw));
    let mut quality = Quality::from_bars(&refused);
    quality.notes.extend((price_basis == PriceBasis::Raw).then_some(Cow::Borrowed(RAW_NOTE)));
    quality.notes.push(Cow::Borrowed(VOLUME_NOTE));
    let Some(newest) = bars.view().date.last().copied() else {
        return Err(
            unprocessable("bars", "must have at least one valid bar").with("refused", refused_json(&quality))
        );
    };
    let bars = bars.view();
    bar_spacing::check(bars, timeframe).map_err(|problem| unprocessable("bars", problem))?;
    let risk_free = api.market_data.risk_free();
    let now_unix_s = i64::from(newest.days()) * DAY_S;
    let input = AnalysisInput {
        symbol: &symbol,
        timeframe,
        bars,
        window_start: days.map_or(0, |days| first_bar(bars, days)),
        indicators: None,
        price_basis,
        volume_basis: VolumeBasis::AsGiven,
        dropped: dropped(&quality),
        levels: bars,
        levels_basis: price_basis,
        daily: (timeframe == Timeframe::Day).then_some(bars),
        traded_close: bars.close.last().copied(),
        shares: &[],
        benchmark: benchmark
            .map(|market| analysis::Benchmark { name: market.name, returns: &market.returns }),
        risk_free: risk_free.as_deref(),
        filings: &[],
        news: None,
        now_unix_s,
    };
    let provenance = Provenance {
        data_source: "request",
        fetched_at: None,
        sample: false,
        stale: false,
        age_s: None,
        data_quality: DataQuality::new(&quality, &[]),
    };
    let response = AnalysisResponse::new(None, now_unix_s, provenance, analyze(&input, &api.models));
    Ok(Representation::new(Representation::serialize(&response)?, None))
}

impl BarInput {
    fn raw(self) -> RawBar {
        let Self { date, open, high, low, close, volume } = self;
        RawBar { date, open, high, low, close, volume }
    }
}

fn refused_json(quality: &Quality) -> serde_json::Value {
    serde_json::to_value(&quality.refused).unwrap_or_default()
}
