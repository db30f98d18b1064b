//! `GET /api/portfolio/{account}`: what one holder has, at the last prices.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use domain::{AccountStatus, ExternalId, Money};
use serde::Serialize;
use store::{Held, Portfolio, Worth};
use utoipa::ToSchema;

use super::Parameters;
use super::parameters::unprocessable;
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};
use crate::state::Books;

/// What one holder has.
#[derive(Debug, Serialize, ToSchema)]
pub struct PortfolioAnswer {
    /// Whose.
    #[schema(example = "alpaca:904837e3-3b76-47ec-b432-046db621571b")]
    account: String,
    /// How the account stands; null when its provider never said.
    #[schema(required, value_type = Option<String>, example = "active")]
    status: Option<&'static str>,
    /// What lies on each account of the ledger that anything lies on.
    balances: Vec<Balance>,
    /// What is held.
    positions: Vec<Position>,
    /// What all of it is worth, in USD.
    #[schema(example = "1234.56")]
    value_usd: String,
    /// Positions and currencies that are not in the value, because no price of theirs is known.
    unpriced: u64,
    /// The time of the oldest price in the value; null when it is dollars alone.
    #[schema(required, format = DateTime)]
    as_of: Option<String>,
    /// The time-weighted return since the last close of the previous year: 0.05 is 5 %; null before there is one.
    #[schema(required)]
    year_to_date: Option<String>,
    /// Things about it that people should look at, such as a sell of what was never bought.
    reviews: u64,
}

/// What lies on one account of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct Balance {
    /// Which account.
    #[schema(value_type = String, example = "spending_balance")]
    account: &'static str,
    /// In what.
    #[schema(value_type = String, example = "USDC")]
    currency: &'static str,
    /// How much, in the currency's smallest unit.
    amount_minor: i64,
    /// How much, as a decimal number.
    #[schema(example = "12.345678")]
    amount: String,
}

/// Shares of one symbol.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position {
    /// Of what.
    #[schema(example = "AAPL")]
    symbol: String,
    /// How many.
    #[schema(example = "1.5")]
    quantity: String,
    /// What they cost together, in USD.
    #[schema(required, example = "450.30")]
    cost: Option<String>,
    /// The same in cents.
    #[schema(required)]
    cost_minor: Option<i64>,
    /// The last price, in USD.
    #[schema(required)]
    price: Option<String>,
    /// Its time.
    #[schema(required, format = DateTime)]
    price_at: Option<String>,
    /// What they are worth at it, in USD.
    #[schema(required)]
    value: Option<String>,
}

/// What one holder has
#[utoipa::path(
    get,
    path = "/api/portfolio/{account}",
    tag = "books",
    params(("account" = String, Path, description = "A provider and its id of the account", example = "alpaca:a1",
        pattern = "^(alpaca|bridge|circle):[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$")),
    responses((status = 200, description = "What it has", body = PortfolioAnswer), Problems)
)]
pub async fn one(
    Path(account): Path<String>,
    parameters: Parameters,
    State(books): State<Arc<Books>>,
) -> Result<Json<PortfolioAnswer>, Problem> {
    parameters.only(&[])?;
    let account: ExternalId = account
        .parse()
        .map_err(|error: domain::ExternalIdError| unprocessable("account", error.to_string()))?;
    let portfolio = books.store().portfolio(&account, books.clock.now()).await?;
    let portfolio =
        portfolio.ok_or_else(|| Problem::new(Kind::NotFound, "nothing was ever told of this account"))?;
    Ok(Json(shown(portfolio)))
}

fn shown(portfolio: Portfolio) -> PortfolioAnswer {
    let Portfolio { account, status, balances, positions, worth, year_to_date, reviews } = portfolio;
    let Worth { value, unpriced, oldest_mark_at } = worth;
    let balance = |(bucket, money): (ledger::Bucket, Money)| Balance {
        account: bucket.as_str(),
        currency: money.currency().as_str(),
        amount_minor: money.minor(),
        amount: money.to_decimal().to_string(),
    };
    PortfolioAnswer {
        account: account.to_string(),
        status: status.map(word),
        // Which accounts were ever touched depends on the order in which events came; what lies on them does not.
        balances: balances.into_iter().filter(|(_, money)| !money.is_zero()).map(balance).collect(),
        positions: positions.into_iter().map(position).collect(),
        value_usd: value.to_decimal().to_string(),
        unpriced,
        as_of: oldest_mark_at.map(|at| at.to_string()),
        year_to_date: year_to_date.map(|ratio| ratio.to_string()),
        reviews,
    }
}

fn word(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Submitted => "submitted",
        AccountStatus::InReview => "in_review",
        AccountStatus::Approved => "approved",
        AccountStatus::Active => "active",
        AccountStatus::Restricted => "restricted",
        AccountStatus::Rejected => "rejected",
        AccountStatus::Closed => "closed",
    }
}

fn position(held: Held) -> Position {
    let Held { symbol, quantity, cost, mark, value, last_at: _ } = held;
    Position {
        symbol: symbol.as_str().to_owned(),
        quantity: quantity.to_string(),
        cost: cost.map(|cost| cost.to_decimal().to_string()),
        cost_minor: cost.map(Money::minor),
        price: mark.map(|(price, _)| price.to_string()),
        price_at: mark.map(|(_, at)| at.to_string()),
        value: value.map(|value| value.to_decimal().to_string()),
    }
}
