//! `GET /api/bars/{symbol}`: bars of a symbol.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use domain::{BarsView, Date, Symbol, Timeframe};
use serde::{Serialize, Serializer};
use symbol_analysis::Provenance;
use utoipa::ToSchema;

use super::window::{DAYS, TIMEFRAME};
use super::{IfNoneMatch, Parameters, SymbolPath, etag, window};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::request_context::RequestContext;
use crate::schemas::{self, NotModifiedOrProblems, SymbolParameter, WindowParameters};
use crate::state::Api;

const ADJUSTED: &str = "adjusted";
/// About the size of a bar in a response.
const BAR_BYTES: usize = 110;

/// Bars with their provenance.
#[derive(Serialize, ToSchema)]
struct BarSeries<'a> {
    #[schema(value_type = schemas::Symbol)]
    symbol: Symbol,
    #[schema(value_type = schemas::Timeframe)]
    timeframe: Timeframe,
    #[schema(value_type = schemas::PriceBasis)]
    price_basis: &'static str,
    /// Date of the newest bar.
    #[schema(value_type = String, format = Date, example = "2013-03-01")]
    as_of: Date,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    /// Oldest first.
    #[serde(serialize_with = "rows")]
    #[schema(value_type = Vec<Bar>)]
    bars: BarsView<'a>,
}

/// One bar.
#[derive(Serialize, ToSchema)]
struct Bar {
    /// Exchange date on which the bar begins.
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

fn rows<S: Serializer>(bars: &BarsView<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let row = |at: usize| Bar {
        date: bars.date[at],
        open: bars.open[at],
        high: bars.high[at],
        low: bars.low[at],
        close: bars.close[at],
        volume: bars.volume[at],
    };
    serializer.collect_seq((0..bars.len()).map(row))
}

/// Bars of a symbol
#[utoipa::path(
    get,
    path = "/api/bars/{symbol}",
    operation_id = "getBars",
    tag = "analysis",
    params(
        SymbolParameter,
        WindowParameters,
        ("adjusted" = Option<bool>, Query, description = "Whether prices are adjusted (the default) or, if the \
            source has them, as traded; see `price_basis`"),
    ),
    responses((status = 200, description = "The bars", body = BarSeries), NotModifiedOrProblems)
)]
pub(crate) async fn get(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    Extension(context): Extension<Arc<RequestContext>>,
    State(api): State<Arc<Api>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[TIMEFRAME, DAYS, ADJUSTED])?;
    let window = window::parse(&parameters)?;
    let is_adjusted = parameters.flag(ADJUSTED)?.unwrap_or(true);
    let snapshot = api.market_data.snapshot(&symbol).await?;
    let first_bar = window.first_bar(&snapshot.history);
    let timeframe = window.timeframe;

    let variant = format!("bars-{}-{first_bar}-{is_adjusted}", timeframe.as_str());
    let etag = etag(&snapshot, &variant);
    if let Some(response) = if_none_match.not_modified(etag.as_ref()) {
        return Ok(response);
    }
    let bytes = BAR_BYTES * snapshot.history.adjusted().view().len().saturating_sub(first_bar);
    let serialize = move || {
        let history = &snapshot.history;
        let (daily, basis) = match is_adjusted {
            true => (history.adjusted(), history.basis()),
            false => (history.raw(), history.raw_basis()),
        };
        let (bars, first) = window.bars(daily, first_bar);
        Representation::serialize(&BarSeries {
            symbol: *history.symbol(),
            timeframe,
            price_basis: basis.as_str(),
            as_of: snapshot.as_of,
            provenance: Provenance::from_snapshot(&snapshot),
            bars: bars.view().from(first),
        })
    };
    api.heavy_work.respond(&context, bytes, etag, serialize).await
}
