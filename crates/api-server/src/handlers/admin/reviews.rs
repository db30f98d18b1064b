//! `/api/admin/reviews`: what waits for a person, and its resolution.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{ExternalId, Journal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{REVIEW_KINDS, ReviewDetail, ReviewFilter, ReviewId, ReviewSummary, SuggestedAction};
use utoipa::ToSchema;

use super::Operator;
use super::idempotency_key::{self, IdempotencyKey};
use super::responses::{EventResponse, next_page};
use crate::handlers::entries::EntryResponse;
use crate::handlers::parameters::unprocessable;
use crate::handlers::{BookReader, JsonBody, Parameters, PathId};
use crate::problem::{Kind, Problem};
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// A page of reviews.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewsPage {
    /// Latest first.
    reviews: Vec<ReviewResponse>,
    /// The value of `before` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::ReviewId>)]
    next: Option<String>,
}

/// Something that a person has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewResponse {
    #[schema(value_type = schemas::ReviewId)]
    id: String,
    #[schema(value_type = schemas::ReviewKind)]
    kind: String,
    /// The subject of the facts, or the event.
    #[schema(example = "cash/alpaca:e1")]
    subject: String,
    /// The id of the order, execution, entry, transfer, account or event.
    about: String,
    /// The account, if it is known.
    #[schema(required)]
    account: Option<String>,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// Since when it is open.
    #[schema(format = DateTime)]
    opened_at: String,
    /// Seconds since then, or until it was resolved.
    age_s: i64,
    /// When it was resolved; null while it is open.
    #[schema(required, format = DateTime)]
    resolved_at: Option<String>,
    /// Who resolved it; null if later facts did.
    #[schema(required)]
    resolved_by: Option<String>,
    /// Why a person last resolved it.
    #[schema(required)]
    resolution: Option<String>,
    /// The journal that it was last resolved with.
    #[schema(required, value_type = Option<schemas::JournalId>)]
    journal: Option<String>,
}

/// A review with what is known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewDetailResponse {
    #[serde(flatten)]
    review: ReviewResponse,
    /// The facts of its subject, latest first, at most 100.
    #[schema(value_type = Vec<Object>)]
    facts: Vec<Value>,
    /// The entries of its subject, latest first, at most 100.
    entries: Vec<EntryResponse>,
    /// The pending journal that resolves it when it is approved.
    #[schema(required, value_type = Option<schemas::JournalId>)]
    pending_journal: Option<String>,
    /// Its event, if it is about one.
    #[schema(required)]
    event: Option<EventResponse>,
    /// What can be done.
    suggestions: Vec<SuggestionResponse>,
}

/// What can be done about a review.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuggestionResponse {
    /// `resolve` with a reason, `journal`, `replay` the event, or `requeue` the job.
    action: String,
    /// When, and how.
    text: &'static str,
    /// The journal to resolve it with, where one is obvious.
    #[schema(required)]
    journal: Option<Journal>,
}

/// How a review is resolved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveRequest {
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// A journal that is posted together with it; then an `Idempotency-Key` is required.
    #[serde(default)]
    journal: Option<Journal>,
}

impl ReviewResponse {
    fn new(review: ReviewSummary, now: jiff::Timestamp) -> Self {
        let until = review.resolved_at.unwrap_or(now);
        Self {
            id: review.id.to_string(),
            kind: review.kind,
            subject: review.subject,
            about: review.about,
            account: review.account,
            at: review.at.to_string(),
            opened_at: review.opened_at.to_string(),
            age_s: until.duration_since(review.opened_at).as_secs().max(0),
            resolved_at: review.resolved_at.map(|at| at.to_string()),
            resolved_by: review.resolved_by,
            resolution: review.resolution,
            journal: review.journal.map(|id| id.to_string()),
        }
    }
}

/// Reviews, latest first
#[utoipa::path(
    get,
    path = "/api/admin/reviews",
    operation_id = "listReviews",
    tag = "admin",
    params(
        ("kind" = Option<schemas::ReviewKind>, Query, description = "What is wrong"),
        ("account" = Option<schemas::AccountId>, Query, description = "The account"),
        ("state" = Option<schemas::ReviewState>, Query, description = "`open` by default"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("before" = Option<schemas::ReviewId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = ReviewsPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    _: BookReader,
) -> Result<Json<ReviewsPage>, Problem> {
    parameters.allow_only(&["kind", "account", "state", "limit", "before"])?;
    let kind = parameters.text("kind").map(str::to_owned);
    if kind.as_deref().is_some_and(|kind| !REVIEW_KINDS.contains(&kind)) {
        return Err(unprocessable("kind", format!("must be one of {}", REVIEW_KINDS.join(", "))));
    }
    let is_open = match parameters.text("state") {
        None | Some("open") => Some(true),
        Some("resolved") => Some(false),
        Some("all") => None,
        Some(_) => return Err(unprocessable("state", "must be open, resolved or all")),
    };
    let filter = ReviewFilter { kind, account: parameters.parse_as::<ExternalId>("account")?, is_open };
    let before = parameters.parse_as::<ReviewId>("before")?;
    let rows = parameters.rows()?;
    let reviews = state.store().reviews(&filter, before, rows).await?;
    let next = next_page(&reviews, rows, |review| review.id);
    let now = state.clock.now();
    let reviews = reviews.into_iter().map(|review| ReviewResponse::new(review, now)).collect();
    Ok(Json(ReviewsPage { reviews, next }))
}

/// A review with what is known
#[utoipa::path(
    get,
    path = "/api/admin/reviews/{id}",
    operation_id = "getReview",
    tag = "admin",
    params(("id" = schemas::ReviewId, Path, description = "The id")),
    responses((status = 200, description = "The review", body = ReviewDetailResponse), Problems)
)]
pub(crate) async fn get(
    PathId(id): PathId<ReviewId>,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    _: BookReader,
) -> Result<Json<ReviewDetailResponse>, Problem> {
    parameters.allow_only(&[])?;
    find(&state, id).await.map(Json)
}

/// Resolve a review
///
/// With a reason, and perhaps a journal: they are stored together. If the journal needs approval, the review stays open until then.
#[utoipa::path(
    post,
    path = "/api/admin/reviews/{id}/resolve",
    operation_id = "resolveReview",
    tag = "admin",
    params(
        ("id" = schemas::ReviewId, Path, description = "The id"),
        ("Idempotency-Key" = Option<schemas::IdempotencyKey>, Header, description = "Required with a journal: a repeated request with it has the same result"),
    ),
    request_body = ResolveRequest,
    responses((status = 200, description = "The review", body = ReviewDetailResponse), Problems)
)]
pub(crate) async fn resolve(
    PathId(id): PathId<ReviewId>,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    key: Option<IdempotencyKey>,
    JsonBody(ResolveRequest { reason, journal }): JsonBody<ResolveRequest>,
) -> Result<Json<ReviewDetailResponse>, Problem> {
    let (store, now) = (state.store(), state.clock.now());
    match journal {
        Some(journal) => {
            let key = key.ok_or_else(idempotency_key::missing)?;
            let maker = operator.maker(&key, &state);
            store.resolve_review_with_journal(id, &reason, &journal, maker, now).await?;
        }
        None => store.resolve_review(id, &reason, operator.actor(), now).await?,
    }
    find(&state, id).await.map(Json)
}

async fn find(state: &AdminState, id: ReviewId) -> Result<ReviewDetailResponse, Problem> {
    let detail = state.store().review(id).await?;
    let detail = detail.ok_or_else(|| Problem::new(Kind::NotFound, "no review has this id"))?;
    let ReviewDetail { summary, facts, entries, pending_journal, event, suggestions } = detail;
    let suggestion = |SuggestedAction { action, text, journal }| SuggestionResponse {
        action: action.to_string(),
        text,
        journal,
    };
    Ok(ReviewDetailResponse {
        review: ReviewResponse::new(summary, state.clock.now()),
        facts,
        entries: entries.into_iter().map(EntryResponse::from).collect(),
        pending_journal: pending_journal.map(|id| id.to_string()),
        event: event.map(EventResponse::from),
        suggestions: suggestions.into_iter().map(suggestion).collect(),
    })
}
