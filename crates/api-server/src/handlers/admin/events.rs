//! `GET /api/admin/webhooks` and `/api/admin/webhooks/{id}`: what was delivered, and what came of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::json;
use store::{EventId, PAGE_ROWS_MAX, Page};
use utoipa::ToSchema;

use super::Operator;
use super::filter::{FilterBody, NAMES};
use super::shown::{EventDetailShown, EventShown, WithBody};
use crate::handlers::Parameters;
use crate::handlers::parameters::unprocessable;
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};
use crate::state::Books;

/// Rows of a page when nothing is said.
const ROWS_DEFAULT: u32 = 50;

/// A page of kept deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventsPage {
    /// Newest first.
    events: Vec<EventShown>,
    /// What to send as `before` for the next page; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// Kept deliveries, newest first
#[utoipa::path(
    get,
    path = "/api/admin/webhooks",
    tag = "admin",
    params(
        ("source" = Option<String>, Query, description = "alpaca, bridge or circle"),
        ("channel" = Option<String>, Query, description = "Such as alpaca/trade"),
        ("event_type" = Option<String>, Query, description = "What the source calls it"),
        ("object" = Option<String>, Query, description = "What it is about"),
        ("state" = Option<String>, Query, description = "pending, leased, done, unhandled, dead or requeued"),
        ("received_from" = Option<String>, Query, description = "At or after this time"),
        ("received_before" = Option<String>, Query, description = "Before this time"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of the page"),
        ("before" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "A page", body = EventsPage), Problems)
)]
pub async fn list(
    parameters: Parameters,
    State(books): State<Arc<Books>>,
) -> Result<Json<EventsPage>, Problem> {
    parameters.only(&[&NAMES[..], &["limit", "before"]].concat())?;
    let filter = FilterBody::of(&parameters).read()?;
    let before = parameters.parsed::<EventId>("before")?;
    let rows = parameters.number("limit", 1..=PAGE_ROWS_MAX)?.unwrap_or(ROWS_DEFAULT);
    let page = books.store().events(&filter, Page { before, rows }).await?;
    Ok(Json(EventsPage {
        events: page.events.into_iter().map(EventShown::from).collect(),
        next: page.next_before.map(|id| id.to_string()),
    }))
}

/// One kept delivery, with what was done about it
///
/// Its body names people and accounts: it is shown with `body=true` alone, and that is recorded in the audit chain.
#[utoipa::path(
    get,
    path = "/api/admin/webhooks/{id}",
    tag = "admin",
    params(
        ("id" = String, Path, description = "Its id", example = "42", pattern = "^[1-9][0-9]{0,17}$"),
        ("body" = Option<bool>, Query, description = "Whether the body is shown"),
    ),
    responses((status = 200, description = "The delivery", body = EventDetailShown), Problems)
)]
pub async fn one(
    Path(id): Path<String>,
    parameters: Parameters,
    operator: Operator,
    State(books): State<Arc<Books>>,
) -> Result<Json<EventDetailShown>, Problem> {
    parameters.only(&["body"])?;
    let with_body = match parameters.text("body") {
        None | Some("false") => WithBody::No,
        Some("true") => WithBody::Yes,
        Some(_) => return Err(unprocessable("body", "must be true or false")),
    };
    let not_found = || Problem::new(Kind::NotFound, "no delivery is kept under this id");
    let id: EventId = id.parse().map_err(|_| not_found())?;
    let detail = books.store().event(id).await?.ok_or_else(not_found)?;
    if with_body == WithBody::Yes {
        let (object, now) = (format!("webhook_events/{id}"), books.clock.now());
        books.store().record(operator.actor(), "webhooks.read_body", &object, &json!({}), now).await?;
    }
    Ok(Json(EventDetailShown::new(detail, with_body)))
}
