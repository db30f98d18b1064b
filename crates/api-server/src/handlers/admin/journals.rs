//! `/api/ledger/journals`: money and shares that people post by hand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Journal;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{JournalId, JournalRecord, JournalState, Reversal};
use utoipa::ToSchema;

use super::Operator;
use super::idempotency_key::IdempotencyKey;
use super::responses::next_page;
use crate::handlers::parameters::unprocessable;
use crate::handlers::{BookReader, JsonBody, Parameters, PathId};
use crate::problem::{Kind, Problem};
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// A page of journals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalsPage {
    /// Latest first.
    journals: Vec<JournalResponse>,
    /// The value of `before` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::JournalId>)]
    next: Option<String>,
}

/// A journal with its state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalResponse {
    #[schema(value_type = schemas::JournalId)]
    id: String,
    #[schema(value_type = schemas::JournalState)]
    state: JournalState,
    journal: Journal,
    /// The journal that it reverses.
    #[schema(required, value_type = Option<schemas::JournalId>)]
    reverses: Option<String>,
    /// The journal that reverses it.
    #[schema(required, value_type = Option<schemas::JournalId>)]
    reversed_by: Option<String>,
    /// The review that it resolves.
    #[schema(required, value_type = Option<schemas::ReviewId>)]
    review: Option<String>,
    /// Who made it, as the audit chain names them.
    #[schema(example = "key:ops-1")]
    made_by: String,
    #[schema(format = DateTime)]
    made_at: String,
    /// Who approved or rejected it; null if it needed no approval.
    #[schema(required)]
    checked_by: Option<String>,
    /// When it was posted or rejected.
    #[schema(required, format = DateTime)]
    decided_at: Option<String>,
    /// Why it was rejected.
    #[schema(required)]
    rejection: Option<String>,
}

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonRequest {
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// How a journal is reversed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReversalRequest {
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// Where the evidence is: a document, a URL.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    evidence: Option<String>,
    /// When the reversal takes effect; by default when the original did.
    #[serde(default)]
    #[schema(value_type = Option<schemas::Time>)]
    effective_at: Option<Timestamp>,
    /// Whether it may take out more than is available.
    #[serde(default)]
    allow_overdraft: bool,
}

impl From<JournalRecord> for JournalResponse {
    fn from(record: JournalRecord) -> Self {
        Self {
            id: record.id.to_string(),
            state: record.state,
            journal: record.journal,
            reverses: record.reverses.map(|id| id.to_string()),
            reversed_by: record.reversed_by.map(|id| id.to_string()),
            review: record.review.map(|id| id.to_string()),
            made_by: record.made_by,
            made_at: record.made_at.to_string(),
            checked_by: record.checked_by,
            decided_at: record.decided_at.map(|at| at.to_string()),
            rejection: record.rejection,
        }
    }
}

/// Journals, latest first
#[utoipa::path(
    get,
    path = "/api/ledger/journals",
    operation_id = "listJournals",
    tag = "ledger",
    params(
        ("state" = Option<schemas::JournalState>, Query, description = "The state"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("before" = Option<schemas::JournalId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = JournalsPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    _: BookReader,
) -> Result<Json<JournalsPage>, Problem> {
    parameters.allow_only(&["state", "limit", "before"])?;
    let filter = parameters.text("state").map(|text| {
        text.parse::<JournalState>()
            .map_err(|_| unprocessable("state", "must be pending, posted or rejected"))
    });
    let before = parameters.parse_as::<JournalId>("before")?;
    let rows = parameters.rows()?;
    let journals = state.store().journals(filter.transpose()?, before, rows).await?;
    let next = next_page(&journals, rows, |journal| journal.id);
    Ok(Json(JournalsPage { journals: journals.into_iter().map(JournalResponse::from).collect(), next }))
}

/// A journal
#[utoipa::path(
    get,
    path = "/api/ledger/journals/{id}",
    operation_id = "getJournal",
    tag = "ledger",
    params(("id" = schemas::JournalId, Path, description = "The id")),
    responses((status = 200, description = "The journal", body = JournalResponse), Problems)
)]
pub(crate) async fn get(
    PathId(id): PathId<JournalId>,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    _: BookReader,
) -> Result<Json<JournalResponse>, Problem> {
    parameters.allow_only(&[])?;
    let record = state.store().journal(id).await?;
    let record = record.ok_or_else(|| Problem::new(Kind::NotFound, "no journal has this id"))?;
    Ok(Json(record.into()))
}

/// Post a journal
///
/// It is posted at once, or `pending` until another API key approves it, if it moves more than `JOURNAL_APPROVAL_ABOVE` or changes a number of shares.
#[utoipa::path(
    post,
    path = "/api/ledger/journals",
    operation_id = "createJournal",
    tag = "ledger",
    params(("Idempotency-Key" = schemas::IdempotencyKey, Header, description = "A repeated request with it has the same result")),
    request_body = Journal,
    responses((status = 201, description = "The journal", body = JournalResponse), Problems)
)]
pub(crate) async fn create(
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    key: IdempotencyKey,
    JsonBody(journal): JsonBody<Journal>,
) -> Result<(StatusCode, Json<JournalResponse>), Problem> {
    let maker = operator.maker(&key, &state);
    let record = state.store().create_journal(&journal, maker, state.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(record.into())))
}

/// Approve and post a pending journal
///
/// The API key that made it cannot approve it.
#[utoipa::path(
    post,
    path = "/api/ledger/journals/{id}/approve",
    operation_id = "approveJournal",
    tag = "ledger",
    params(("id" = schemas::JournalId, Path, description = "The id")),
    responses((status = 200, description = "The journal", body = JournalResponse), Problems)
)]
pub(crate) async fn approve(
    PathId(id): PathId<JournalId>,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
) -> Result<Json<JournalResponse>, Problem> {
    parameters.allow_only(&[])?;
    let now = state.clock.now();
    Ok(Json(state.store().approve_journal(id, operator.actor(), now).await?.into()))
}

/// Reject a pending journal
#[utoipa::path(
    post,
    path = "/api/ledger/journals/{id}/reject",
    operation_id = "rejectJournal",
    tag = "ledger",
    params(("id" = schemas::JournalId, Path, description = "The id")),
    request_body = ReasonRequest,
    responses((status = 200, description = "The journal", body = JournalResponse), Problems)
)]
pub(crate) async fn reject(
    PathId(id): PathId<JournalId>,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    JsonBody(ReasonRequest { reason }): JsonBody<ReasonRequest>,
) -> Result<Json<JournalResponse>, Problem> {
    let now = state.clock.now();
    Ok(Json(state.store().reject_journal(id, &reason, operator.actor(), now).await?.into()))
}

/// Reverse a posted journal
///
/// The reversal is a journal of its own. Each journal is reversed once.
#[utoipa::path(
    post,
    path = "/api/ledger/journals/{id}/reverse",
    operation_id = "reverseJournal",
    tag = "ledger",
    params(
        ("id" = schemas::JournalId, Path, description = "The id"),
        ("Idempotency-Key" = schemas::IdempotencyKey, Header, description = "A repeated request with it has the same result"),
    ),
    request_body = ReversalRequest,
    responses((status = 201, description = "The reversal", body = JournalResponse), Problems)
)]
pub(crate) async fn reverse(
    PathId(id): PathId<JournalId>,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    key: IdempotencyKey,
    JsonBody(request): JsonBody<ReversalRequest>,
) -> Result<(StatusCode, Json<JournalResponse>), Problem> {
    let maker = operator.maker(&key, &state);
    let ReversalRequest { reason, evidence, effective_at, allow_overdraft } = request;
    let reversal = Reversal { reason, evidence, effective_at, allow_overdraft };
    let record = state.store().reverse_journal(id, &reversal, maker, state.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(record.into())))
}
