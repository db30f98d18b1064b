//! `GET /api/admin/webhooks` and `/api/admin/webhooks/{id}`: events and what became of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::json;
use store::{EventId, PAGE_ROWS_MAX, PageRequest};
use utoipa::ToSchema;

use super::Operator;
use super::filter::{FilterBody, NAMES};
use super::responses::{BodyShown, EventDetailResponse, EventResponse};
use crate::handlers::Parameters;
use crate::handlers::parameters::unprocessable;
use crate::problem::{Kind, Problem};
use crate::schemas::Problems;
use crate::state::AdminState;

const ROWS_DEFAULT: u32 = 50;

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsPage {
    /// Newest first.
    events: Vec<EventResponse>,
    /// The value of `before` for the next page; null on the last page.
    #[schema(required)]
    next: Option<String>,
}

/// Events, newest first
#[utoipa::path(
    get,
    path = "/api/admin/webhooks",
    tag = "admin",
    params(
        ("provider" = Option<String>, Query, description = "The provider"),
        ("channel" = Option<String>, Query, description = "Such as alpaca/trade"),
        ("event_type" = Option<String>, Query, description = "The type that the provider gives the event"),
        ("resource" = Option<String>, Query, description = "The object that the event is about"),
        ("state" = Option<String>, Query, description = "pending, leased, done, unhandled, dead or requeued"),
        ("received_from" = Option<String>, Query, description = "At or after this time"),
        ("received_before" = Option<String>, Query, description = "Before this time"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of the page"),
        ("before" = Option<String>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = EventsPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<EventsPage>, Problem> {
    parameters.allow_only(&[&NAMES[..], &["limit", "before"]].concat())?;
    let filter = FilterBody::from(&parameters).parse()?;
    let before = parameters.parse_as::<EventId>("before")?;
    let rows = parameters.number("limit", 1..=PAGE_ROWS_MAX)?.unwrap_or(ROWS_DEFAULT);
    let page = state.store().events(&filter, PageRequest { before, rows }).await?;
    Ok(Json(EventsPage {
        events: page.events.into_iter().map(EventResponse::from).collect(),
        next: page.next_before.map(|id| id.to_string()),
    }))
}

/// One event with its jobs
///
/// The body names people and accounts: it is shown only with `body=true`, and that is recorded in the audit chain.
#[utoipa::path(
    get,
    path = "/api/admin/webhooks/{id}",
    tag = "admin",
    params(
        ("id" = String, Path, description = "The id", example = "42", pattern = "^[1-9][0-9]{0,17}$"),
        ("body" = Option<bool>, Query, description = "Whether to show the body"),
    ),
    responses((status = 200, description = "The event", body = EventDetailResponse), Problems)
)]
pub(crate) async fn get(
    Path(id): Path<String>,
    parameters: Parameters,
    operator: Operator,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<EventDetailResponse>, Problem> {
    parameters.allow_only(&["body"])?;
    let body_shown = match parameters.text("body") {
        None | Some("false") => BodyShown::No,
        Some("true") => BodyShown::Yes,
        Some(_) => return Err(unprocessable("body", "must be true or false")),
    };
    let not_found = || Problem::new(Kind::NotFound, "no event has this id");
    let id: EventId = id.parse().map_err(|_| not_found())?;
    let detail = state.store().event(id).await?.ok_or_else(not_found)?;
    if body_shown == BodyShown::Yes {
        let (object, now) = (format!("webhook_events/{id}"), state.clock.now());
        state.store().record_audit(operator.actor(), "webhooks.read_body", &object, &json!({}), now).await?;
    }
    Ok(Json(EventDetailResponse::new(detail, body_shown)))
}
