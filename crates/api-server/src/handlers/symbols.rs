//! `GET /api/symbols` and `/api/symbols/{symbol}`: the available symbols, and the bars of each.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::{Date, Symbol};
use market_data::{Listing, Mapping, RowOrder, Snapshot, SymbolListing, UnusableFile};
use serde::Serialize;
use symbol_analysis::Provenance;
use utoipa::ToSchema;

use super::{IfNoneMatch, Parameters, SymbolPath, etag};
use crate::content_encoding::ContentEncoding;
use crate::problem::Problem;
use crate::representation::Representation;
use crate::response_cache::CacheKey;
use crate::schemas::{self, NotModifiedOrProblems, SymbolParameter};
use crate::state::Api;

/// The available symbols.
#[derive(Debug, Serialize, ToSchema)]
struct SymbolsResponse {
    /// All symbols of the bundled sample or the directory, or the cached symbols of a vendor.
    #[schema(value_type = Vec<ListedSymbol>)]
    symbols: Vec<SymbolListing>,
    /// Number of files of the directory that cannot be used.
    unusable_total: usize,
    /// The first hundred of them, in the order of their names.
    #[schema(value_type = Vec<ListedFile>)]
    unusable_files: Vec<UnusableFile>,
    /// `bundled sample`, `csv directory` or `polygon`.
    #[schema(value_type = String, example = "bundled sample")]
    data_source: &'static str,
    /// Whether it is the bundled sample, which ends in 2013.
    sample: bool,
    /// Whether its data is out of date, which that of the sample is.
    stale: bool,
}

/// A file that cannot be used.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct ListedFile {
    /// Its name.
    #[schema(example = "AAPL.csv")]
    file: String,
    /// Why, for programs.
    #[schema(example = "ambiguous_dates")]
    reason: String,
    /// What is wrong, and what to do.
    detail: String,
}

/// An available symbol.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct ListedSymbol {
    #[schema(value_type = schemas::Symbol)]
    symbol: Symbol,
    /// The company's name, if it is known.
    #[schema(required)]
    name: Option<String>,
}

/// One symbol.
#[derive(Serialize, ToSchema)]
struct SymbolDetails<'a> {
    #[schema(value_type = schemas::Symbol)]
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
    /// How the file of the symbol was read; null for other sources than a directory.
    #[schema(required, value_type = Option<FileMapping>)]
    mapping: Option<&'a Mapping>,
    #[serde(flatten)]
    provenance: Provenance<'a>,
}

/// How a file was read.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct FileMapping {
    /// The source whose exports have these columns; null if no source, or more than one, has them.
    #[schema(required)]
    source: Option<String>,
    /// For each field, such as `close`, the name of its column.
    columns: std::collections::BTreeMap<String, String>,
    /// Columns that are not used.
    ignored: Vec<String>,
    /// What separates cells.
    #[schema(example = ",")]
    delimiter: String,
    /// How dates are written: `year_first`, `month_first`, `day_first`, `month_name` or `unix_time`.
    dates: String,
    /// The decimal mark: `point` or `comma`.
    decimals: String,
    /// The order of the rows: `oldest_first`, `newest_first` or `unordered`. Bars are used oldest first.
    #[schema(value_type = String)]
    rows: RowOrder,
}

/// The available symbols
#[utoipa::path(
    get,
    path = "/api/symbols",
    operation_id = "listSymbols",
    tag = "analysis",
    responses((status = 200, description = "The symbols", body = SymbolsResponse), NotModifiedOrProblems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    State(api): State<Arc<Api>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[])?;
    let Listing { symbols, unusable_total, unusable } = api.market_data.symbols().await?;
    let is_sample = api.market_data.is_sample();
    let body = Representation::serialize(&SymbolsResponse {
        symbols,
        unusable_total,
        unusable_files: unusable,
        data_source: api.market_data.data_source(),
        sample: is_sample,
        stale: is_sample,
    })?;
    Ok(if_none_match.respond(Representation::with_content_etag(body)))
}

/// A symbol's name, and the number of its bars
#[utoipa::path(
    get,
    path = "/api/symbols/{symbol}",
    operation_id = "getSymbol",
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
        mapping: snapshot.mapping.as_deref(),
        provenance: Provenance::from_snapshot(snapshot),
    })?;
    Ok(Representation::new(body, etag(snapshot, "symbol")))
}
