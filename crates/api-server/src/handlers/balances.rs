//! `GET /api/ledger/balances`: the balance of each account in each currency, now or in an earlier state of the books.

use axum::Json;
use domain::LedgerAccount;
use serde::Serialize;
use store::AccountFilter;
use utoipa::ToSchema;

use super::entry_parameters::parse_moment;
use super::portfolio::BalanceResponse;
use super::{BookReader, Parameters, report_body};
use crate::problem::Problem;
use crate::schemas::{self, Problems};

/// A page of balances.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalancesPage {
    /// By account and currency; balances of zero of which nothing is pending are omitted. `pending_in`, `pending_out` and
    /// `available` are null for accounts of the system and, with `as_of` or `known_at`, for all.
    balances: Vec<BalanceResponse>,
    /// The value of `after` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::LedgerAccountName>)]
    next: Option<String>,
}

/// Balances by account and currency
#[utoipa::path(
    get,
    path = "/api/ledger/balances",
    operation_id = "listBalances",
    tag = "ledger",
    params(
        ("account" = Option<schemas::AccountFilter>, Query, description = "A holder or an account"),
        ("as_of" = Option<schemas::Time>, Query, description = "What had happened by this time"),
        ("known_at" = Option<schemas::Time>, Query, description = "What was recorded by this time"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most accounts of the page, each in all its currencies"),
        ("after" = Option<schemas::LedgerAccountName>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = BalancesPage), Problems)
)]
pub(crate) async fn list(parameters: Parameters, reader: BookReader) -> Result<Json<BalancesPage>, Problem> {
    parameters.allow_only(&["account", "as_of", "known_at", "limit", "after"])?;
    let account = parameters.parse_as::<AccountFilter>("account")?;
    let after = parameters.parse_as::<LedgerAccount>("after")?.map(|account| account.to_string());
    let (moment, accounts) = (parse_moment(&parameters)?, parameters.rows()?);
    // Accounts of the system have about half of all entries.
    let is_of_holder = match &account {
        Some(AccountFilter::Account(account)) => account.holder().is_some(),
        other => other.is_some(),
    };
    let _permit = if is_of_holder { None } else { Some(report_body::permit(&reader)?) };
    let page = reader
        .store
        .account_balances((&reader.accounts, account), moment, after.as_deref(), accounts)
        .await?;
    let balances = page.balances.into_iter().filter(|balance| !balance.is_zero());
    let balances = balances
        .map(|balance| match balance.with_pending {
            Some(with_pending) => BalanceResponse::with_pending(balance.account, with_pending),
            None => BalanceResponse::posted(balance.account, balance.posted),
        })
        .collect::<Result<_, _>>()
        .map_err(|error| store::Error::Ledger(error.into()))?;
    Ok(Json(BalancesPage { balances, next: page.next_after }))
}
