//! `GET /api/bars/{symbol}`: bars of a symbol.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{BarsView, Date, Symbol, Timeframe};
use market_data::MarketData;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::parameters::unprocessable;
use super::window::{DAYS, TIMEFRAME};
use super::{IfNoneMatch, NotModified, Parameters, Provenance, SymbolPath, Window, provenance};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::schemas::{Problems, SymbolParameter, WindowParameters};

const ADJUSTED: &str = "adjusted";

/// Bars with their provenance.
#[derive(Serialize, ToSchema)]
struct BarSeries<'a> {
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// The timeframe of a bar.
    #[schema(value_type = String, example = "1d")]
    timeframe: Timeframe,
    /// What prices are adjusted for: `raw`, `split` or `split_dividend`.
    #[schema(value_type = String)]
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
    tag = "analysis",
    params(
        SymbolParameter,
        WindowParameters,
        ("adjusted" = Option<bool>, Query, description = "Whether prices are adjusted (the default) or, if the \
            source has them, as traded: see `price_basis`"),
    ),
    responses(
        (status = 200, description = "The bars", body = BarSeries),
        (status = 304, description = "The cached copy is current"),
        Problems,
    )
)]
pub(crate) async fn get(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    State(market_data): State<Arc<MarketData>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[TIMEFRAME, DAYS, ADJUSTED])?;
    let window = Window::parse(&parameters)?;
    let is_adjusted = match parameters.text(ADJUSTED) {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(unprocessable(ADJUSTED, "must be true or false")),
    };
    let snapshot = market_data.snapshot(&symbol).await?;
    let history = &snapshot.history;
    let first_bar = window.first_bar(history);
    let timeframe = window.timeframe();

    let variant = format!("bars-{}-{first_bar}-{is_adjusted}", timeframe.as_str());
    let etag = provenance::etag(&snapshot, &variant);
    if if_none_match.matches(etag.as_ref()) {
        return Ok(NotModified(etag).into_response());
    }
    let (daily, basis) = match is_adjusted {
        true => (history.adjusted(), history.basis().as_str()),
        false => (history.raw(), history.raw_basis().as_str()),
    };
    let (bars, first) = window.bars(daily, first_bar);
    let body = Representation::serialize(&BarSeries {
        symbol,
        timeframe,
        price_basis: basis,
        as_of: snapshot.as_of,
        provenance: Provenance::from_snapshot(&snapshot),
        bars: bars.view().from(first),
    })?;
    Ok(Representation::new(body, etag).into_response())
}
