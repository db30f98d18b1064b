//! `POST /api/admin/webhooks/replay`: applies events again. Effects are not applied twice.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{EventFilter, EventId};
use utoipa::ToSchema;

use super::Operator;
use super::filter::FilterBody;
use crate::handlers::JsonBody;
use crate::handlers::parameters::unprocessable;
use crate::problem::Problem;
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// The events to apply again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    #[serde(default)]
    filter: FilterBody,
    /// Every event; required if the filter has no condition.
    #[serde(default)]
    all: bool,
    /// Only events after this id: `next_after` of the previous response.
    #[serde(default)]
    #[schema(value_type = Option<schemas::EventId>)]
    after: Option<String>,
    /// Count the events without applying them.
    #[serde(default)]
    dry_run: bool,
}

/// The result of a replay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayResponse {
    /// Events that will be, or in a dry run would be, applied again.
    events: u64,
    /// Whether this was a dry run.
    dry_run: bool,
    /// The value of `after` for the next request, because each replays at most 1,000 events; null if there are no more.
    #[schema(required, value_type = Option<schemas::EventId>)]
    next_after: Option<String>,
}

/// Apply events again
///
/// Replays events whose jobs are finished and whose body is stored. The event does not change; it gets a new job.
#[utoipa::path(
    post,
    path = "/api/admin/webhooks/replay",
    operation_id = "replayWebhookEvents",
    tag = "admin",
    request_body = ReplayRequest,
    responses((status = 200, description = "The number of events", body = ReplayResponse), Problems)
)]
pub(crate) async fn post(
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    JsonBody(ReplayRequest { filter, all, after, dry_run }): JsonBody<ReplayRequest>,
) -> Result<Json<ReplayResponse>, Problem> {
    let filter = filter.parse()?;
    if !all && filter == EventFilter::default() {
        return Err(unprocessable("filter", "must have a condition; use \"all\": true for every event"));
    }
    let after: Option<EventId> = after
        .map(|text| text.parse().map_err(|_| unprocessable("after", "must be an id such as 42")))
        .transpose()?;
    if dry_run && after.is_some() {
        return Err(unprocessable("after", "must be absent in a dry run, which counts all events"));
    }
    if dry_run {
        let events = state.store().count_replayable(&filter).await?;
        return Ok(Json(ReplayResponse { events, dry_run, next_after: None }));
    }
    let batch = state.store().replay(&filter, after, operator.actor(), state.clock.now()).await?;
    state.intake.work_available.notify_waiters();
    Ok(Json(ReplayResponse {
        events: u64::from(batch.events),
        dry_run,
        next_after: batch.next_after.map(|id| id.to_string()),
    }))
}
