//! `POST /api/v1/webhooks/…`: deliveries of providers. Without an API key: each is verified by its signature.
//!
//! 200 means that the delivery is stored and outlives a crash, or needs no storing. After every other status, nothing is
//! stored.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use intake::{IncomingRequest, Outcome};
use serde::Serialize;
use store::Receipt;
use utoipa::ToSchema;
use webhooks::{ENDPOINTS_PATH, Endpoint};

use crate::body_readers::ReadError;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;
use crate::state::WebhookState;

/// What became of a delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookResponse {
    /// `stored`, `duplicate` (it was stored before, and has no second effect), `confirmed` (a subscription at SNS), or
    /// `noted`.
    #[schema(value_type = String, example = "stored")]
    status: &'static str,
    /// The id of the stored event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "42")]
    id: Option<String>,
}

/// Receives a delivery at the endpoint that the path names.
pub(crate) async fn receive(
    State(state): State<Arc<WebhookState>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let endpoint =
        parts.uri.path().strip_prefix(ENDPOINTS_PATH).and_then(|name| name.parse::<Endpoint>().ok());
    let endpoint = endpoint.ok_or_else(|| Problem::new(Kind::NotFound, "unknown webhook endpoint"))?;
    // The layer around this bounds the body, and reports what was wrong with one that could not be read.
    let body = state.readers.read(body).await.map_err(unread)?;
    let client = RequestContext::get(&parts.extensions).ok().and_then(RequestContext::client);
    let request = IncomingRequest { endpoint, headers: &parts.headers, client };
    Ok(respond(state.intake.receive(request, body, state.clock.now()).await?))
}

/// Lets a provider check the endpoint before it sends anything.
pub(crate) async fn exists() -> StatusCode {
    StatusCode::OK
}

fn unread(error: ReadError) -> Problem {
    match error {
        ReadError::Broken => Problem::new(Kind::BadRequest, error.to_string()),
        // The rest of the body is not read, so the connection cannot be used again.
        ReadError::Displaced => Problem::new(Kind::Timeout, error.to_string())
            .with_header(header::CONNECTION, HeaderValue::from_static("close")),
    }
}

/// Formatted by hand: there are thousands of these responses a second, and their parts need no escaping.
fn respond(outcome: Outcome) -> Response {
    let body = match outcome {
        Outcome::Stored(Receipt::Stored(id)) => format!("{{\"status\":\"stored\",\"id\":\"{id}\"}}"),
        Outcome::Stored(Receipt::Duplicate(id)) => format!("{{\"status\":\"duplicate\",\"id\":\"{id}\"}}"),
        Outcome::Confirmed => "{\"status\":\"confirmed\"}".to_owned(),
        Outcome::Noted => "{\"status\":\"noted\"}".to_owned(),
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}
