//! `GET /api/customers/{customer}/portfolio`: all linked accounts of a customer, and their sums.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::MoneyError;
use serde::Serialize;
use store::{CustomerPortfolio, MarketValue};
use utoipa::ToSchema;

use super::portfolio::{BalanceResponse, PortfolioResponse, Position, position, respond, respond_balances};
use super::{BookReader, CustomerPath, Parameters};
use crate::problem::{Kind, Problem};
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// All linked accounts of a customer, and their sums.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerPortfolioResponse {
    #[schema(value_type = schemas::CustomerId)]
    customer: String,
    /// Each account, by its id.
    accounts: Vec<PortfolioResponse>,
    /// The sums of the balances of all accounts.
    balances: Vec<BalanceResponse>,
    /// The sums of the positions of all accounts. A cost or value is null if it is unknown of one of them.
    positions: Vec<Position>,
    /// The sum of the values of all accounts, in USD.
    #[schema(example = "1234.56")]
    value_usd: String,
    /// Positions and currencies without a known price, which are not in the value.
    unpriced: u64,
    /// The time of the oldest price in the value; null if there are only dollars.
    #[schema(required, format = DateTime)]
    as_of: Option<String>,
}

/// Balances and positions of all accounts of a customer
#[utoipa::path(
    get,
    path = "/api/customers/{customer}/portfolio",
    operation_id = "getCustomerPortfolio",
    tag = "ledger",
    params(("customer" = schemas::CustomerId, Path, description = "The customer")),
    responses((status = 200, description = "The portfolio", body = CustomerPortfolioResponse), Problems)
)]
pub(crate) async fn get(
    CustomerPath(customer): CustomerPath,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    reader: BookReader,
) -> Result<Json<CustomerPortfolioResponse>, Problem> {
    parameters.allow_only(&[])?;
    let portfolio = reader.store.customer_portfolio(&reader.accounts, &customer, state.clock.now()).await?;
    let portfolio = portfolio.ok_or_else(|| Problem::new(Kind::NotFound, "unknown customer"))?;
    Ok(Json(respond_customer(portfolio).map_err(|error| store::Error::Ledger(error.into()))?))
}

fn respond_customer(portfolio: CustomerPortfolio) -> Result<CustomerPortfolioResponse, MoneyError> {
    let CustomerPortfolio { customer, accounts, balances, positions, market_value } = portfolio;
    let MarketValue { value, unpriced, oldest_price_at } = market_value;
    Ok(CustomerPortfolioResponse {
        customer: customer.to_string(),
        accounts: accounts.into_iter().map(respond).collect::<Result<_, _>>()?,
        balances: respond_balances(balances)?,
        positions: positions.into_iter().map(position).collect(),
        value_usd: value.to_decimal().to_string(),
        unpriced,
        as_of: oldest_price_at.map(|at| at.to_string()),
    })
}
