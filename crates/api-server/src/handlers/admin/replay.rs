//! `POST /api/admin/webhooks/replay`: applies kept deliveries again. What they did before they do not do twice.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{EventId, Filter};
use utoipa::ToSchema;

use super::Operator;
use super::filter::FilterBody;
use crate::handlers::JsonBody;
use crate::handlers::parameters::unprocessable;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::Books;

/// What to apply again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// Which deliveries.
    #[serde(default)]
    filter: FilterBody,
    /// Every delivery there is: must be said where the filter has no condition.
    #[serde(default)]
    all: bool,
    /// Only those after this id: the `next_after` of the answer before.
    #[serde(default)]
    after: Option<String>,
    /// Only count, and change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What will be applied again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// Deliveries that will be, or in a dry run would be, applied again.
    events: u64,
    /// Whether nothing was changed.
    dry_run: bool,
    /// What to send as `after` to go on: one request asks for at most 1,000; null when that was all.
    #[schema(required)]
    next_after: Option<String>,
}

/// Apply kept deliveries again
///
/// Those whose work is finished and whose body is kept. The delivery itself stays as it was; each gets new work.
#[utoipa::path(
    post,
    path = "/api/admin/webhooks/replay",
    tag = "admin",
    request_body = ReplayRequest,
    responses((status = 200, description = "How many", body = ReplayAnswer), Problems)
)]
pub async fn post(
    State(books): State<Arc<Books>>,
    operator: Operator,
    JsonBody(ReplayRequest { filter, all, after, dry_run }): JsonBody<ReplayRequest>,
) -> Result<Json<ReplayAnswer>, Problem> {
    let filter = filter.read()?;
    if !all && filter == Filter::default() {
        return Err(unprocessable(
            "filter",
            "must have a condition; all deliveries are meant with \"all\": true",
        ));
    }
    let after: Option<EventId> = after
        .map(|text| text.parse().map_err(|_| unprocessable("after", "must be an id such as 42")))
        .transpose()?;
    if dry_run && after.is_some() {
        return Err(unprocessable("after", "is for going on; a dry run counts everything at once"));
    }
    if dry_run {
        let events = books.store().count_replayable(&filter).await?;
        return Ok(Json(ReplayAnswer { events, dry_run, next_after: None }));
    }
    let replayed = books.store().replay(&filter, after, operator.actor(), books.clock.now()).await?;
    books.desk.kick.notify_waiters();
    Ok(Json(ReplayAnswer {
        events: u64::from(replayed.events),
        dry_run,
        next_after: replayed.next_after.map(|id| id.to_string()),
    }))
}
