//! `POST /api/admin/retention/run`: removes bodies whose time is over, now instead of at night.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Provider;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Store;
use utoipa::ToSchema;

use super::Operator;
use crate::clock::Clock;
use crate::handlers::JsonBody;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::Books;

/// Batches of bodies that one request removes, at most: what is left is for the next request, or for the worker.
const BATCHES_MAX: u32 = 20;

/// What to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRequest {
    /// Only count, and change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionAnswer {
    /// By source.
    sources: Vec<RetentionOfSource>,
    /// Whether nothing was changed.
    dry_run: bool,
    /// Whether there may be more to remove.
    is_more: bool,
}

/// What was removed of one source.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionOfSource {
    /// Whose.
    #[schema(value_type = String, example = "bridge")]
    source: &'static str,
    /// Those received before this time.
    #[schema(format = DateTime)]
    received_before: String,
    /// How many bodies were, or in a dry run would be, removed.
    events: u64,
}

/// Remove bodies whose time is over
///
/// The settings `WEBHOOK_RETENTION_DAYS_…` say when that is. Hashes and ids stay, so that a copy is still known.
#[utoipa::path(
    post,
    path = "/api/admin/retention/run",
    tag = "admin",
    request_body = RetentionRequest,
    responses((status = 200, description = "How many", body = RetentionAnswer), Problems)
)]
pub async fn run(
    State(books): State<Arc<Books>>,
    operator: Operator,
    JsonBody(RetentionRequest { dry_run }): JsonBody<RetentionRequest>,
) -> Result<Json<RetentionAnswer>, Problem> {
    let (store, now) = (books.store(), books.clock.now());
    let (mut sources, mut left) = (Vec::new(), BATCHES_MAX);
    for provider in Provider::ALL {
        let received_before = books.retention.received_before(provider, now);
        let events = if dry_run {
            store.count_redactable(provider, received_before).await?
        } else {
            redact(store, books.clock, provider, received_before, &operator, &mut left).await?
        };
        let (source, received_before) = (provider.as_str(), received_before.to_string());
        sources.push(RetentionOfSource { source, received_before, events });
    }
    Ok(Json(RetentionAnswer { sources, dry_run, is_more: left == 0 }))
}

/// Removes bodies while batches are left; says how many.
async fn redact(
    store: &Store,
    clock: Clock,
    provider: Provider,
    received_before: Timestamp,
    operator: &Operator,
    left: &mut u32,
) -> Result<u64, Problem> {
    let mut events = 0;
    while *left > 0 {
        *left -= 1;
        match store.redact(provider, received_before, operator.actor(), clock.now()).await? {
            0 => break,
            redacted => events += u64::from(redacted),
        }
    }
    Ok(events)
}
