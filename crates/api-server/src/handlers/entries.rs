//! `GET /api/ledger/entries`: ledger entries, newest first.

use axum::Json;

use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use store::{EntryId, LedgerEntry, ReportFormat, ReportKind, ReportRequest};
use utoipa::ToSchema;

use super::entry_parameters::{parse_filter, parse_format};
use super::parameters::unprocessable;
use super::{BookReader, Parameters, report_body};
use crate::problem::Problem;
use crate::schemas::{self, Problems};

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
///
/// With `format=csv` or `format=jsonl`, all of them in the order in which they were recorded, without pages.
///
/// A key that may read some accounts only sees their entries, without those of the system.
#[utoipa::path(
    get,
    path = "/api/ledger/entries",
    operation_id = "listLedgerEntries",
    tag = "ledger",
    params(
        ("account" = Option<schemas::AccountFilter>, Query, description = "An account at a provider, or one account of the ledger"),
        ("subject" = Option<schemas::FilterText>, Query, description = "The resource that the transaction is about"),
        ("reference" = Option<schemas::FilterText>, Query, description = "The reference of a journal, or the provider's id of a transfer, cash entry, order or execution, such as `bridge:abc`"),
        ("currency" = Option<domain::Currency>, Query, description = "The currency"),
        ("kind" = Option<domain::TransactionKind>, Query, description = "The kind of transaction"),
        ("provider" = Option<domain::Provider>, Query, description = "The provider of the resource"),
        ("effective_from" = Option<schemas::Time>, Query, description = "Effective at or after this time"),
        ("effective_before" = Option<schemas::Time>, Query, description = "Effective before this time"),
        ("as_of" = Option<schemas::Time>, Query, description = "What had happened by this time"),
        ("known_at" = Option<schemas::Time>, Query, description = "What was recorded by this time"),
        ("format" = Option<schemas::ReportFormat>, Query, description = "`json` is a page"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("after" = Option<schemas::EntryId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page, or all entries", content(
        (EntriesPage = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
    )), Problems)
)]
pub(crate) async fn list(parameters: Parameters, reader: BookReader) -> Result<Response, Problem> {
    parameters.allow_only(&[
        "account",
        "subject",
        "reference",
        "currency",
        "kind",
        "provider",
        "effective_from",
        "effective_before",
        "as_of",
        "known_at",
        "format",
        "limit",
        "after",
    ])?;
    let filter = parse_filter(&parameters)?;
    let after = parameters.parse_as::<EntryId>("after")?;
    let rows = parameters.rows()?;
    match parse_format(&parameters)? {
        ReportFormat::Json => {}
        format => {
            if let Some(name) = ["limit", "after"].into_iter().find(|name| parameters.text(name).is_some()) {
                return Err(unprocessable(name, "only the format json has pages"));
            }
            let request = ReportRequest { kind: ReportKind::Entries, filter };
            return report_body::respond(reader, request, format).await;
        }
    }
    let page = reader.store.entries(&reader.accounts, &filter, after, rows).await?;
    let entries = page.entries.into_iter().map(EntryResponse::from).collect();
    Ok(Json(EntriesPage { entries, next: page.next_after.map(|id| id.to_string()) }).into_response())
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
