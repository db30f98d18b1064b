//! `GET /api/admin/webhooks` and `/api/admin/webhooks/{id}`: events and their jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Provider;
use serde::Serialize;
use serde_json::json;
use store::{EventId, PageRequest};
use utoipa::ToSchema;

use super::Operator;
use super::filter::{FilterBody, NAMES};
use super::responses::{EventDetailResponse, EventResponse};
use crate::handlers::{Parameters, PathId};
use crate::problem::{Kind, Problem};
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsPage {
    /// Newest first.
    events: Vec<EventResponse>,
    /// The value of `before` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::EventId>)]
    next: Option<String>,
}

/// Events, newest first
#[utoipa::path(
    get,
    path = "/api/admin/webhooks",
    operation_id = "listWebhookEvents",
    tag = "admin",
    params(
        ("provider" = Option<Provider>, Query, description = "The provider"),
        ("channel" = Option<schemas::Channel>, Query, description = "The channel"),
        ("event_type" = Option<schemas::FilterText>, Query, description = "The event type, as the provider names it"),
        ("resource" = Option<schemas::FilterText>, Query, description = "The resource that the event is about"),
        ("state" = Option<schemas::JobState>, Query, description = "The state of the latest job"),
        ("received_from" = Option<schemas::Time>, Query, description = "Received at or after this time"),
        ("received_before" = Option<schemas::Time>, Query, description = "Received before this time"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("before" = Option<schemas::EventId>, Query, description = "`next` of the previous page"),
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
    let rows = parameters.rows()?;
    let page = state.store().events(&filter, PageRequest { before, rows }).await?;
    Ok(Json(EventsPage {
        events: page.events.into_iter().map(EventResponse::from).collect(),
        next: page.next_before.map(|id| id.to_string()),
    }))
}

/// An event with its jobs
///
/// The body contains personal data. It is returned only with `body=true`, which is recorded in the audit chain.
#[utoipa::path(
    get,
    path = "/api/admin/webhooks/{id}",
    operation_id = "getWebhookEvent",
    tag = "admin",
    params(
        ("id" = schemas::EventId, Path, description = "The id"),
        ("body" = Option<bool>, Query, description = "Whether to return the body"),
    ),
    responses((status = 200, description = "The event", body = EventDetailResponse), Problems)
)]
pub(crate) async fn get(
    PathId(id): PathId<EventId>,
    parameters: Parameters,
    operator: Operator,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<EventDetailResponse>, Problem> {
    parameters.allow_only(&["body"])?;
    let is_body_included = parameters.flag("body")?.unwrap_or(false);
    let detail = state.store().event(id).await?;
    let detail = detail.ok_or_else(|| Problem::new(Kind::NotFound, "no event has this id"))?;
    if is_body_included {
        let (object, now) = (format!("webhook_events/{id}"), state.clock.now());
        state.store().record_audit(operator.actor(), "webhooks.read_body", &object, &json!({}), now).await?;
    }
    let body = is_body_included.then(|| String::from_utf8_lossy(&detail.body).into_owned());
    Ok(Json(EventDetailResponse::new(detail, body)))
}
