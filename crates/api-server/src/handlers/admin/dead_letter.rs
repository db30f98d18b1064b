//! `GET /api/admin/dead-letter` and `POST /api/admin/dead-letter/requeue`: what was given up, and another try.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{PAGE_ROWS_MAX, REPLAY_MAX, WorkId};
use utoipa::ToSchema;

use super::Operator;
use super::shown::EventShown;
use crate::handlers::parameters::unprocessable;
use crate::handlers::{JsonBody, Parameters};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::Books;

/// Rows of a page when nothing is said.
const ROWS_DEFAULT: u32 = 50;

/// A page of work that was given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetters {
    /// Latest first.
    dead_letters: Vec<DeadLetterShown>,
    /// What to send as `before` for the next page; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// Work that was given up, with its delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterShown {
    /// The work: what a requeue names.
    #[schema(example = "7")]
    work: String,
    /// The delivery.
    event: EventShown,
}

/// What to try again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequeueRequest {
    /// These pieces of work.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!(["7"]))]
    work: Vec<String>,
    /// Up to 1,000 of all that were given up, where no piece is named.
    #[serde(default)]
    all: bool,
}

/// What will be tried again.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequeueAnswer {
    /// How many.
    requeued: u32,
}

/// Work that was given up, latest first
#[utoipa::path(
    get,
    path = "/api/admin/dead-letter",
    tag = "admin",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of the page"),
        ("before" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "A page", body = DeadLetters), Problems)
)]
pub async fn list(
    parameters: Parameters,
    State(books): State<Arc<Books>>,
) -> Result<Json<DeadLetters>, Problem> {
    parameters.only(&["limit", "before"])?;
    let before = parameters.parsed::<WorkId>("before")?;
    let rows = parameters.number("limit", 1..=PAGE_ROWS_MAX)?.unwrap_or(ROWS_DEFAULT);
    let found = books.store().dead_letters(before, rows).await?;
    let is_full = found.len() == rows as usize;
    let next = found.last().filter(|_| is_full).map(|last| last.work.to_string());
    let shown = |letter: store::DeadLetter| DeadLetterShown {
        work: letter.work.to_string(),
        event: letter.event.into(),
    };
    Ok(Json(DeadLetters { dead_letters: found.into_iter().map(shown).collect(), next }))
}

/// Try again what was given up, with all attempts anew
#[utoipa::path(
    post,
    path = "/api/admin/dead-letter/requeue",
    tag = "admin",
    request_body = RequeueRequest,
    responses((status = 200, description = "How many", body = RequeueAnswer), Problems)
)]
pub async fn requeue(
    State(books): State<Arc<Books>>,
    operator: Operator,
    JsonBody(RequeueRequest { work, all }): JsonBody<RequeueRequest>,
) -> Result<Json<RequeueAnswer>, Problem> {
    if work.is_empty() != all {
        return Err(unprocessable("work", "must name pieces of work, or be left out with \"all\": true"));
    }
    if work.len() > REPLAY_MAX as usize {
        return Err(unprocessable("work", format!("at most {REPLAY_MAX}")));
    }
    let read = |text: &String| text.parse().map_err(|_| unprocessable("work", "must be ids such as 7"));
    let work: Vec<WorkId> = work.iter().map(read).collect::<Result<_, _>>()?;
    let requeued = books.store().requeue(&work, operator.actor(), books.clock.now()).await?;
    books.desk.kick.notify_waiters();
    Ok(Json(RequeueAnswer { requeued }))
}
