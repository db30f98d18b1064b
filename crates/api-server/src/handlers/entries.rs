//! `GET /api/ledger/entries`: the journal, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::{ENTRIES_MAX, EntriesOf, Entry};
use utoipa::ToSchema;

use super::Parameters;
use super::parameters::unprocessable;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::Books;

/// Rows of a page when nothing is said.
const ROWS_DEFAULT: u32 = 50;

/// A page of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntriesPage {
    /// Newest first.
    entries: Vec<EntryShown>,
    /// What to send as `after` for the next page; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// An entry of the journal. All entries of one transaction sum to zero in each currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryShown {
    /// What it is called.
    id: String,
    /// Which movement it is a part of.
    transaction: String,
    /// What the movement is about.
    #[schema(example = "transfer/bridge:abc")]
    subject: String,
    /// What it is the effect of.
    effect: String,
    /// How often the effect was written: more than 1 is a correction.
    revision: i64,
    /// What the movement is for.
    #[schema(example = "deposit")]
    kind: String,
    /// When that became so, on the provider's clock.
    #[schema(format = DateTime)]
    at: String,
    /// When it was written.
    #[schema(format = DateTime)]
    posted_at: String,
    /// On which account.
    #[schema(example = "user/bridge:cust_1/stash_balance")]
    account: String,
    /// In what.
    #[schema(value_type = String, example = "USDC")]
    currency: &'static str,
    /// How much, in the currency's smallest unit: positive raises what lies there.
    amount_minor: i64,
    /// The same as a decimal number.
    amount: String,
}

/// The journal, newest first
#[utoipa::path(
    get,
    path = "/api/ledger/entries",
    tag = "books",
    params(
        ("account" = Option<String>, Query, description = "A holder such as `alpaca:a1`, or an account such as `user/alpaca:a1/fiat_exposure`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of the page"),
        ("after" = Option<i64>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "A page", body = EntriesPage), Problems)
)]
pub async fn list(
    parameters: Parameters,
    State(books): State<Arc<Books>>,
) -> Result<Json<EntriesPage>, Problem> {
    parameters.only(&["account", "limit", "after"])?;
    let of = of(parameters.text("account"))?;
    let after = match parameters.text("after") {
        Some(text) => {
            let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let id = digits.and_then(|digits| digits.parse::<i64>().ok()).filter(|id| *id > 0);
            Some(id.ok_or_else(|| unprocessable("after", "must be the `next` of a page"))?)
        }
        None => None,
    };
    let rows = parameters.number("limit", 1..=ENTRIES_MAX)?.unwrap_or(ROWS_DEFAULT);
    let page = books.store().entries(&of, after, rows).await?;
    Ok(Json(EntriesPage {
        entries: page.entries.into_iter().map(shown).collect(),
        next: page.next_after.map(|id| id.to_string()),
    }))
}

fn of(account: Option<&str>) -> Result<EntriesOf, Problem> {
    let Some(text) = account else { return Ok(EntriesOf::Everyone) };
    let holder = text.parse().map(EntriesOf::Holder);
    let found = holder.ok().or_else(|| text.parse().map(EntriesOf::Account).ok());
    found.ok_or_else(|| {
        unprocessable("account", "must be a holder such as alpaca:a1 or an account such as system/fees")
    })
}

fn shown(entry: Entry) -> EntryShown {
    let Entry { id, transaction, subject, effect, revision, kind, at, posted_at, account, money } = entry;
    EntryShown {
        id: id.to_string(),
        transaction: transaction.to_string(),
        subject,
        effect,
        revision,
        kind: kind.as_str().to_owned(),
        at: at.to_string(),
        posted_at: posted_at.to_string(),
        account: account.to_string(),
        currency: money.currency().as_str(),
        amount_minor: money.minor(),
        amount: money.to_decimal().to_string(),
    }
}
