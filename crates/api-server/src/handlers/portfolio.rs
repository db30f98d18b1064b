//! `GET /api/portfolio/{account}`: balances and positions of one account, at the last prices.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use domain::{AccountStatus, ExternalId, Money, MoneyError, Total};
use serde::Serialize;
use store::{MarketValue, PastPortfolio, Portfolio, PortfolioPosition};
use utoipa::ToSchema;

use super::Parameters;
use super::entry_parameters::parse_moment;
use super::parameters::unprocessable;
use crate::problem::{Kind, Problem};
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// Balances and positions of one account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortfolioResponse {
    #[schema(value_type = schemas::AccountId)]
    account: String,
    /// The status of the account; null if its provider never reported one.
    #[schema(required, value_type = Option<String>, example = "active")]
    status: Option<AccountStatus>,
    /// The balance of each ledger account that is not zero.
    balances: Vec<Balance>,
    positions: Vec<Position>,
    /// The value of all balances and positions, in USD; null in the past, whose prices are not stored.
    #[schema(required, example = "1234.56")]
    value_usd: Option<String>,
    /// Positions and currencies without a known price, which are not in the value; null in the past.
    #[schema(required)]
    unpriced: Option<u64>,
    /// The time of the oldest price in the value; null if there are only dollars.
    #[schema(required, format = DateTime)]
    as_of: Option<String>,
    /// The time-weighted return since the last close of the previous year: 0.05 is 5 %; null if it is unknown.
    #[schema(required)]
    year_to_date: Option<String>,
    /// Entries that a person must review, such as a sale of shares that were never bought; null in the past.
    #[schema(required)]
    reviews: Option<u64>,
}

/// The balance of one ledger account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    #[schema(example = "spending_balance")]
    account: String,
    #[schema(value_type = String, example = "USDC")]
    currency: &'static str,
    /// In the smallest unit of the currency. It may be larger than 64 bits: read `amount` where numbers are smaller.
    amount_minor: i128,
    /// As a decimal number.
    #[schema(example = "12.345678")]
    amount: String,
}

/// A position in one symbol.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Position {
    #[schema(example = "AAPL")]
    symbol: String,
    #[schema(example = "1.5")]
    quantity: String,
    /// The total cost, in USD.
    #[schema(required, example = "450.30")]
    cost: Option<String>,
    /// The total cost, in cents.
    #[schema(required)]
    cost_minor: Option<i64>,
    /// The last price, in USD.
    #[schema(required)]
    price: Option<String>,
    /// The time of the price.
    #[schema(required, format = DateTime)]
    price_at: Option<String>,
    /// The value at the last price, in USD.
    #[schema(required)]
    value: Option<String>,
}

/// Balances and positions of one account
///
/// With `as_of` or `known_at`, those of an earlier state of the books, without prices and values.
#[utoipa::path(
    get,
    path = "/api/portfolio/{account}",
    operation_id = "getPortfolio",
    tag = "ledger",
    params(
        ("account" = schemas::AccountId, Path, description = "The provider and its id of the account"),
        ("as_of" = Option<schemas::Time>, Query, description = "What had happened by this time"),
        ("known_at" = Option<schemas::Time>, Query, description = "What was recorded by this time"),
    ),
    responses((status = 200, description = "The portfolio", body = PortfolioResponse), Problems)
)]
pub(crate) async fn get(
    Path(account): Path<String>,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<PortfolioResponse>, Problem> {
    parameters.allow_only(&["as_of", "known_at"])?;
    let moment = parse_moment(&parameters)?;
    let account: ExternalId = account
        .parse()
        .map_err(|error: domain::ExternalIdError| unprocessable("account", error.to_string()))?;
    let unknown = || Problem::new(Kind::NotFound, "unknown account");
    let response = if moment.is_latest() {
        respond(state.store().portfolio(&account, state.clock.now()).await?.ok_or_else(unknown)?)
    } else {
        respond_past(state.store().past_portfolio(&account, moment).await?.ok_or_else(unknown)?)
    };
    Ok(Json(response.map_err(|error| store::Error::Ledger(error.into()))?))
}

fn respond(portfolio: Portfolio) -> Result<PortfolioResponse, MoneyError> {
    let Portfolio { account, status, balances, positions, market_value, year_to_date, reviews } = portfolio;
    let MarketValue { value, unpriced, oldest_price_at } = market_value;
    Ok(PortfolioResponse {
        account: account.to_string(),
        status,
        balances: respond_balances(balances)?,
        positions: positions.into_iter().map(position).collect(),
        value_usd: Some(value.to_decimal().to_string()),
        unpriced: Some(unpriced),
        as_of: oldest_price_at.map(|at| at.to_string()),
        year_to_date: year_to_date.map(|ratio| ratio.to_string()),
        reviews: Some(reviews),
    })
}

fn respond_past(portfolio: PastPortfolio) -> Result<PortfolioResponse, MoneyError> {
    let PastPortfolio { account, status, balances, positions } = portfolio;
    Ok(PortfolioResponse {
        account: account.to_string(),
        status,
        balances: respond_balances(balances)?,
        positions: positions.into_iter().map(position).collect(),
        value_usd: None,
        unpriced: None,
        as_of: None,
        year_to_date: None,
        reviews: None,
    })
}

/// Zero balances are omitted, because which accounts have one depends on the order of events.
fn respond_balances(balances: Vec<(ledger::Bucket, Total)>) -> Result<Vec<Balance>, MoneyError> {
    let balances = balances.into_iter().filter(|(_, total)| !total.is_zero());
    balances.map(|(bucket, total)| Balance::new(bucket.to_string(), total)).collect()
}

impl Balance {
    pub(super) fn new(account: String, total: Total) -> Result<Self, MoneyError> {
        let amount = total.to_decimal()?.to_string();
        Ok(Self { account, currency: total.currency().as_str(), amount_minor: total.minor(), amount })
    }
}

fn position(position: PortfolioPosition) -> Position {
    let PortfolioPosition { symbol, quantity, cost, price, value, last_at: _ } = position;
    Position {
        symbol: symbol.as_str().to_owned(),
        quantity: quantity.to_string(),
        cost: cost.map(|cost| cost.to_decimal().to_string()),
        cost_minor: cost.map(Money::minor),
        price: price.map(|(price, _)| price.to_string()),
        price_at: price.map(|(_, at)| at.to_string()),
        value: value.map(|value| value.to_decimal().to_string()),
    }
}
