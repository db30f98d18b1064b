//! `GET /api/symbols` and `/api/symbols/{symbol}`: the available symbols, and the bars of each.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::{Date, Symbol};
use market_data::{Snapshot, SymbolListing};
use serde::Serialize;
use utoipa::ToSchema;

use super::{IfNoneMatch, Parameters, Provenance, SymbolPath, provenance};
use crate::content_encoding::ContentEncoding;
use crate::problem::Problem;
use crate::representation::Representation;
use crate::response_cache::CacheKey;
use crate::schemas::{NotModifiedOrProblems, SymbolParameter};
use crate::state::Api;

/// The available symbols.
#[derive(Debug, Serialize, ToSchema)]
struct Symbols {
    /// All symbols of the bundled sample or the directory, or the cached symbols of a vendor.
    #[schema(value_type = Vec<ListedSymbol>)]
    symbols: Vec<SymbolListing>,
    /// `bundled sample`, `csv directory` or `polygon`.
    #[schema(value_type = String, example = "bundled sample")]
    data_source: &'static str,
}

/// An available symbol.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct ListedSymbol {
    /// The ticker.
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// The company's name, if it is known.
    #[schema(required)]
    name: Option<String>,
}

/// One symbol.
#[derive(Serialize, ToSchema)]
struct SymbolDetails<'a> {
    /// The ticker.
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// The company's name, if it is known.
    #[schema(required, value_type = Option<String>)]
    name: Option<&'a str>,
    /// Date of the newest bar.
    #[schema(value_type = String, format = Date, example = "2013-03-01")]
    as_of: Date,
    /// Date of the first bar.
    #[schema(required, value_type = Option<String>, format = Date)]
    first_date: Option<Date>,
    /// Number of daily bars.
    bars: usize,
    /// Number of filings.
    filings: usize,
    #[serde(flatten)]
    provenance: Provenance<'a>,
}

/// The available symbols
#[utoipa::path(
    get,
    path = "/api/symbols",
    tag = "analysis",
    responses((status = 200, description = "The symbols", body = Symbols), NotModifiedOrProblems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    State(api): State<Arc<Api>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[])?;
    let symbols = api.market_data.symbols().await?;
    let body = Representation::serialize(&Symbols { symbols, data_source: api.market_data.data_source() })?;
    Ok(if_none_match.respond(Representation::with_content_etag(body)))
}

/// A symbol's name, and the number of its bars
#[utoipa::path(
    get,
    path = "/api/symbols/{symbol}",
    tag = "analysis",
    params(SymbolParameter),
    responses((status = 200, description = "The symbol", body = SymbolDetails), NotModifiedOrProblems)
)]
pub(crate) async fn get(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    State(api): State<Arc<Api>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[])?;
    let snapshot = api.market_data.snapshot(&symbol).await?;
    let key = CacheKey::for_symbol(&snapshot);
    // Too short to be compressed.
    let (cache, encoding) = (&api.response_cache, ContentEncoding::Identity);
    Ok(if_none_match.respond(cache.get_or_compute(key, encoding, || describe(&snapshot))?))
}

fn describe(snapshot: &Snapshot) -> Result<Representation, Problem> {
    let bars = snapshot.history.raw().view();
    let body = Representation::serialize(&SymbolDetails {
        symbol: *snapshot.history.symbol(),
        name: snapshot.name.as_deref(),
        as_of: snapshot.as_of,
        first_date: bars.date.first().copied(),
        bars: bars.len(),
        filings: snapshot.filings.len(),
        provenance: Provenance::from_snapshot(snapshot),
    })?;
    Ok(Representation::new(body, provenance::etag(snapshot, "symbol")))
}
