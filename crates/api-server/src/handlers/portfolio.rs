//! `GET /api/portfolio/{account}`: balances and positions of one account, at the last prices.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use domain::{AccountStatus, ExternalId, Money, MoneyError, Total};
use serde::Serialize;
use store::{Balance, MarketValue, PastPortfolio, Portfolio, PortfolioPosition};
use utoipa::ToSchema;

use super::entry_parameters::parse_moment;
use super::parameters::unprocessable;
use super::{BookReader, Parameters};
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
    /// Each ledger account with money in it or under way.
    balances: Vec<BalanceResponse>,
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

/// The balance of one ledger account, in whole smallest units of the currency (`…_minor`, which may be larger than 64 bits) and as
/// decimal numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceResponse {
    #[schema(example = "spending_balance")]
    account: String,
    #[schema(value_type = String, example = "USDC")]
    currency: &'static str,
    /// What is posted: the sum of its entries.
    amount_minor: i128,
    #[schema(example = "12.345678")]
    amount: String,
    /// What is on its way to the account. It is not available yet; null in the past, and for accounts of the system.
    #[schema(required)]
    pending_in_minor: Option<i128>,
    #[schema(required, example = "0.000000")]
    pending_in: Option<String>,
    /// What is on its way from the account, or set aside for open orders; null as `pending_in`.
    #[schema(required)]
    pending_out_minor: Option<i128>,
    #[schema(required, example = "2.000000")]
    pending_out: Option<String>,
    /// What is posted less what is on its way out; null as `pending_in`.
    #[schema(required)]
    available_minor: Option<i128>,
    #[schema(required, example = "10.345678")]
    available: Option<String>,
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
    reader: BookReader,
) -> Result<Json<PortfolioResponse>, Problem> {
    parameters.allow_only(&["as_of", "known_at"])?;
    let moment = parse_moment(&parameters)?;
    let account: ExternalId = account
        .parse()
        .map_err(|error: domain::ExternalIdError| unprocessable("account", error.to_string()))?;
    let unknown = || Problem::new(Kind::NotFound, "unknown account");
    let response = if moment.is_latest() {
        respond(
            reader
                .store
                .portfolio(&reader.accounts, &account, state.clock.now())
                .await?
                .ok_or_else(unknown)?,
        )
    } else {
        respond_past(
            reader.store.past_portfolio(&reader.accounts, &account, moment).await?.ok_or_else(unknown)?,
        )
    };
    Ok(Json(response.map_err(|error| store::Error::Ledger(error.into()))?))
}

pub(super) fn respond(portfolio: Portfolio) -> Result<PortfolioResponse, MoneyError> {
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
    let balances = balances.into_iter().filter(|(_, posted)| !posted.is_zero());
    let balance =
        |(bucket, posted): (ledger::Bucket, Total)| BalanceResponse::posted(bucket.to_string(), posted);
    Ok(PortfolioResponse {
        account: account.to_string(),
        status,
        balances: balances.map(balance).collect::<Result<_, _>>()?,
        positions: positions.into_iter().map(position).collect(),
        value_usd: None,
        unpriced: None,
        as_of: None,
        year_to_date: None,
        reviews: None,
    })
}

/// Zero balances are omitted, because which accounts have one depends on the order of events.
pub(super) fn respond_balances(balances: Vec<Balance>) -> Result<Vec<BalanceResponse>, MoneyError> {
    let respond = |balance: Balance| BalanceResponse::with_pending(balance.bucket.to_string(), balance);
    balances.into_iter().filter(|balance| !balance.is_zero()).map(respond).collect()
}

impl BalanceResponse {
    /// A balance with what is on its way.
    pub(super) fn with_pending(account: String, balance: Balance) -> Result<Self, MoneyError> {
        let (available, Balance { posted, pending_in, pending_out, .. }) = (balance.available(), balance);
        Ok(Self {
            pending_in_minor: Some(pending_in.minor()),
            pending_in: Some(pending_in.to_decimal()?.to_string()),
            pending_out_minor: Some(pending_out.minor()),
            pending_out: Some(pending_out.to_decimal()?.to_string()),
            available_minor: Some(available.minor()),
            available: Some(available.to_decimal()?.to_string()),
            ..Self::posted(account, posted)?
        })
    }

    /// A balance of which only what is posted is known.
    pub(super) fn posted(account: String, posted: Total) -> Result<Self, MoneyError> {
        Ok(Self {
            account,
            currency: posted.currency().as_str(),
            amount_minor: posted.minor(),
            amount: posted.to_decimal()?.to_string(),
            pending_in_minor: None,
            pending_in: None,
            pending_out_minor: None,
            pending_out: None,
            available_minor: None,
            available: None,
        })
    }
}

pub(super) fn position(position: PortfolioPosition) -> Position {
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
