//! `GET /api/ledger/entries`: ledger entries, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::{EntryFilter, EntryId, LedgerEntry};
use utoipa::ToSchema;

use super::Parameters;
use super::parameters::unprocessable;
use crate::problem::Problem;
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntriesPage {
    /// Newest first.
    entries: Vec<EntryResponse>,
    /// The value of `after` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::EntryId>)]
    next: Option<String>,
}

/// A ledger entry. All entries of one transaction sum to zero in each currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryResponse {
    #[schema(value_type = schemas::EntryId)]
    id: String,
    transaction: String,
    /// The resource that the transaction is about.
    #[schema(example = "transfer/bridge:abc")]
    subject: String,
    /// The effect that was posted.
    effect: String,
    /// How often the effect was posted; more than 1 is a correction.
    revision: i64,
    /// The kind of transaction.
    #[schema(value_type = String, example = "deposit")]
    kind: ledger::TransactionKind,
    /// When it happened, according to the provider.
    #[schema(format = DateTime)]
    at: String,
    /// When it was posted.
    #[schema(format = DateTime)]
    posted_at: String,
    #[schema(example = "user/bridge:cust_1/stash_balance")]
    account: String,
    #[schema(value_type = String, example = "USDC")]
    currency: &'static str,
    /// In the smallest unit of the currency; a positive amount increases the balance.
    amount_minor: i64,
    /// The amount as a decimal number.
    amount: String,
}

/// Ledger entries, newest first
#[utoipa::path(
    get,
    path = "/api/ledger/entries",
    operation_id = "listLedgerEntries",
    tag = "ledger",
    params(
        ("account" = Option<schemas::AccountFilter>, Query, description = "A holder or an account"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("after" = Option<schemas::EntryId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = EntriesPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<EntriesPage>, Problem> {
    parameters.allow_only(&["account", "limit", "after"])?;
    let filter = parse_filter(parameters.text("account"))?;
    let after = parameters.parse_as::<EntryId>("after")?;
    let rows = parameters.rows()?;
    let page = state.store().entries(&filter, after, rows).await?;
    Ok(Json(EntriesPage {
        entries: page.entries.into_iter().map(EntryResponse::from).collect(),
        next: page.next_after.map(|id| id.to_string()),
    }))
}

fn parse_filter(account: Option<&str>) -> Result<EntryFilter, Problem> {
    let Some(text) = account else { return Ok(EntryFilter::All) };
    let holder = text.parse().map(EntryFilter::Holder);
    let filter = holder.ok().or_else(|| text.parse().map(EntryFilter::Account).ok());
    filter.ok_or_else(|| {
        unprocessable("account", "must be a holder such as alpaca:a1 or an account such as system/fees")
    })
}

impl From<LedgerEntry> for EntryResponse {
    fn from(entry: LedgerEntry) -> Self {
        let LedgerEntry { id, transaction, subject, effect, revision, kind, at, posted_at, account, money } =
            entry;
        Self {
            id: id.to_string(),
            transaction: transaction.to_string(),
            subject,
            effect,
            revision,
            kind,
            at: at.to_string(),
            posted_at: posted_at.to_string(),
            account: account.to_string(),
            currency: money.currency().as_str(),
            amount_minor: money.minor(),
            amount: money.to_decimal().to_string(),
        }
    }
}
