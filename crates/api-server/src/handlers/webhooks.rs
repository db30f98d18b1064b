//! `POST /api/v1/webhooks/…`: deliveries of providers. Without an API key: each is verified by its signature.
//!
//! 200 means that the delivery is stored durably, or needs no storage. After every other status the sender delivers again; after
//! a 503 the delivery may be stored already, and the next copy is a duplicate.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
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

/// The outcome of a delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookResponse {
    /// `stored`, `duplicate` (it was stored before, and has no second effect), `conflict` (its id was stored before, with
    /// other content; it is stored for review), `confirmed` (a subscription at SNS), or `noted`.
    #[schema(value_type = String, example = "stored")]
    status: &'static str,
    /// The id of the stored event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "42")]
    id: Option<String>,
}

/// Receives a delivery at the endpoint in the path.
pub(crate) async fn receive(
    State(state): State<Arc<WebhookState>>,
    parameter: Option<Path<String>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let endpoint = endpoint(parts.uri.path(), parameter.as_deref());
    let endpoint = endpoint.ok_or_else(|| Problem::new(Kind::NotFound, "unknown webhook endpoint"))?;
    // A layer around the handler bounds the body, and reports why reading it failed.
    let body = state.readers.read(body).await.map_err(read_problem)?;
    let client =
        RequestContext::get(&parts.extensions).ok().and_then(|context| context.client.get().copied());
    let request = IncomingRequest { endpoint, headers: &parts.headers, client };
    Ok(respond(state.intake.receive(request, body, state.clock.now()).await?))
}

/// The provider as the route has it, and the decoded parameter: `alpaca/tr%61de` is `alpaca/trade`.
fn endpoint(path: &str, parameter: Option<&String>) -> Option<Endpoint> {
    let name = path.strip_prefix(ENDPOINTS_PATH)?;
    match (name.split_once('/'), parameter) {
        (Some((provider, _)), Some(parameter)) => format!("{provider}/{parameter}").parse().ok(),
        _ => name.parse().ok(),
    }
}

/// Lets a provider check that the endpoint exists.
pub(crate) async fn exists() -> StatusCode {
    StatusCode::OK
}

fn read_problem(error: ReadError) -> Problem {
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
        Outcome::Stored(Receipt::Conflict(id)) => format!("{{\"status\":\"conflict\",\"id\":\"{id}\"}}"),
        Outcome::Confirmed => "{\"status\":\"confirmed\"}".to_owned(),
        Outcome::Noted => "{\"status\":\"noted\"}".to_owned(),
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_by_its_decoded_path() {
        let name = |path, parameter: Option<&str>| {
            endpoint(path, parameter.map(str::to_owned).as_ref()).map(|endpoint| endpoint.to_string())
        };
        assert_eq!(name("/api/v1/webhooks/bridge", None).as_deref(), Some("bridge"));
        assert_eq!(name("/api/v1/webhooks/alpaca/tr%61de", Some("trade")).as_deref(), Some("alpaca/trade"));
        assert_eq!(name("/api/v1/webhooks/alpaca/x", Some("x")), None);
    }
}
