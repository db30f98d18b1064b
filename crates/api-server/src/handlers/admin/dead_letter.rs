//! `GET /api/admin/dead-letter` and `POST /api/admin/dead-letter/requeue`: jobs that failed for the last time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{JobId, REPLAY_MAX};
use utoipa::ToSchema;

use super::Operator;
use super::responses::{EventResponse, next_page};
use crate::handlers::parameters::unprocessable;
use crate::handlers::{JsonBody, Parameters};
use crate::problem::Problem;
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// A page of dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLettersPage {
    /// Latest first.
    dead_letters: Vec<DeadLetterResponse>,
    /// The value of `before` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::JobId>)]
    next: Option<String>,
}

/// A job that failed for the last time, with its event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterResponse {
    /// The id to requeue.
    #[schema(value_type = schemas::JobId)]
    job: String,
    event: EventResponse,
}

/// The jobs to requeue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequeueRequest {
    #[serde(default)]
    #[schema(max_items = 1000, value_type = Vec<schemas::JobId>, example = json!(["7"]))]
    jobs: Vec<String>,
    /// Requeue up to 1,000 of all dead letters instead of `jobs`.
    #[serde(default)]
    all: bool,
}

/// The result of a requeue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequeueResponse {
    /// Number of requeued jobs.
    requeued: u32,
}

/// Dead letters, latest first
#[utoipa::path(
    get,
    path = "/api/admin/dead-letter",
    operation_id = "listDeadLetters",
    tag = "admin",
    params(
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("before" = Option<schemas::JobId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = DeadLettersPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<DeadLettersPage>, Problem> {
    parameters.allow_only(&["limit", "before"])?;
    let before = parameters.parse_as::<JobId>("before")?;
    let rows = parameters.rows()?;
    let letters = state.store().dead_letters(before, rows).await?;
    let next = next_page(&letters, rows, |letter| letter.job);
    let respond = |letter: store::DeadLetter| DeadLetterResponse {
        job: letter.job.to_string(),
        event: letter.event.into(),
    };
    Ok(Json(DeadLettersPage { dead_letters: letters.into_iter().map(respond).collect(), next }))
}

/// Requeue dead letters
///
/// Each job gets all its attempts again.
#[utoipa::path(
    post,
    path = "/api/admin/dead-letter/requeue",
    operation_id = "requeueDeadLetters",
    tag = "admin",
    request_body = RequeueRequest,
    responses((status = 200, description = "The number of requeued jobs", body = RequeueResponse), Problems)
)]
pub(crate) async fn requeue(
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    JsonBody(RequeueRequest { jobs, all }): JsonBody<RequeueRequest>,
) -> Result<Json<RequeueResponse>, Problem> {
    if jobs.is_empty() != all {
        return Err(unprocessable("jobs", "must contain ids, or be absent if \"all\" is true"));
    }
    if jobs.len() > REPLAY_MAX as usize {
        return Err(unprocessable("jobs", format!("must be at most {REPLAY_MAX} ids")));
    }
    let parse = |text: &String| text.parse().map_err(|_| unprocessable("jobs", "must be ids such as 7"));
    let jobs: Vec<JobId> = jobs.iter().map(parse).collect::<Result<_, _>>()?;
    let requeued = state.store().requeue(&jobs, operator.actor(), state.clock.now()).await?;
    state.intake.work_available.notify_waiters();
    Ok(Json(RequeueResponse { requeued }))
}
