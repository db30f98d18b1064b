//! `GET /api/symbols` and `/api/symbols/{symbol}`: what can be asked for, and which bars there are.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::{Date, Symbol};
use market_data::{Listed, MarketData, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

use super::{HeldCopies, Parameters, Provenance, Representation, SymbolPath, provenance};
use crate::answers::{Answers, Key};
use crate::openapi::{Problems, SymbolParameter};
use crate::problem::Problem;

/// What can be asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Symbols {
    /// All symbols of the bundled sample or of the directory; of a vendor, those that are stored now.
    #[schema(value_type = Vec<ListedSymbol>)]
    symbols: Vec<Listed>,
    /// `bundled sample`, `csv directory` or `polygon`.
    #[schema(value_type = String, example = "bundled sample")]
    data_source: &'static str,
}

/// A symbol that can be asked for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct ListedSymbol {
    /// Its ticker.
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// The company's name, where it is known.
    #[schema(required)]
    name: Option<String>,
}

/// One symbol.
#[derive(Serialize, ToSchema)]
struct SymbolDetails<'a> {
    /// Its ticker.
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// The company's name, where it is known.
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

/// The symbols that can be asked for
#[utoipa::path(
    get,
    path = "/api/symbols",
    tag = "analysis",
    responses(
        (status = 200, description = "The symbols", body = Symbols),
        (status = 304, description = "The client's copy is current"),
        Problems,
    )
)]
pub async fn list(
    parameters: Parameters,
    held: HeldCopies,
    State(market_data): State<Arc<MarketData>>,
) -> Result<Response, Problem> {
    parameters.only(&[])?;
    let symbols = market_data.symbols().await?;
    let body = Representation::bytes_of(&Symbols { symbols, data_source: market_data.data_source() })?;
    Ok(held.or_send(Representation::tagged_by_content(body)))
}

/// A symbol's name, and which bars there are
#[utoipa::path(
    get,
    path = "/api/symbols/{symbol}",
    tag = "analysis",
    params(SymbolParameter),
    responses(
        (status = 200, description = "The symbol", body = SymbolDetails),
        (status = 304, description = "The client's copy is current"),
        Problems,
    )
)]
pub async fn one(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    held: HeldCopies,
    State(market_data): State<Arc<MarketData>>,
    State(answers): State<Arc<Answers>>,
) -> Result<Response, Problem> {
    parameters.only(&[])?;
    let snapshot = market_data.snapshot(&symbol).await?;
    let key = Key::of_symbol(&snapshot);
    if let Some(answer) = key.as_ref().and_then(|key| answers.get(key)) {
        return Ok(held.or_send(answer));
    }
    let answer = describe(&snapshot)?;
    if let Some(key) = key {
        answers.insert(key, answer.clone());
    }
    Ok(held.or_send(answer))
}

fn describe(snapshot: &Snapshot) -> Result<Representation, Problem> {
    let bars = snapshot.history.raw().view();
    let body = Representation::bytes_of(&SymbolDetails {
        symbol: *snapshot.history.symbol(),
        name: snapshot.name.as_deref(),
        as_of: snapshot.as_of,
        first_date: bars.date.first().copied(),
        bars: bars.len(),
        filings: snapshot.filings.len(),
        provenance: Provenance::of(snapshot),
    })?;
    Ok(Representation::new(body, provenance::etag(snapshot, "symbol")))
}
