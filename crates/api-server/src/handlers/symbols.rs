//! `GET /api/symbols`: what can be asked for.

use std::sync::Arc;

use axum::extract::State;
use domain::Symbol;
use market_data::{Listed, MarketData};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Parameters, Representation};
use crate::openapi::Problems;
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

/// The symbols that can be asked for
#[utoipa::path(
    get,
    path = "/api/symbols",
    tag = "analysis",
    responses((status = 200, description = "The symbols", body = Symbols), Problems)
)]
pub async fn list(
    parameters: Parameters,
    State(market_data): State<Arc<MarketData>>,
) -> Result<Representation, Problem> {
    parameters.only(&[])?;
    let symbols = market_data.symbols().await?;
    let body = Representation::bytes_of(&Symbols { symbols, data_source: market_data.data_source() })?;
    Ok(Representation::new(body, None))
}
