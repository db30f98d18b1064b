//! `POST /api/admin/webhooks/test-signature`: tests whether a delivery would be accepted, without storing it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use intake::{IncomingRequest, IntakeError, VerifiedRequest};
use serde::{Deserialize, Serialize};
use telemetry::with_causes;
use utoipa::ToSchema;
use webhooks::Endpoint;

use crate::handlers::JsonBody;
use crate::handlers::parameters::unprocessable;
use crate::problem::Problem;
use crate::schemas::{self, Problems};
use crate::state::AdminState;

const HEADERS_MAX: usize = 64;

/// A delivery to test.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureTestRequest {
    /// The path below `/api/v1/webhooks/`.
    #[schema(value_type = schemas::Endpoint)]
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as text.
    #[serde(default)]
    body: Option<String>,
    /// The body in Base64, if it is not text.
    #[serde(default)]
    body_base64: Option<String>,
}

/// Whether the delivery would be accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignatureTestResponse {
    is_verified: bool,
    /// The step that failed: `parse`, `origin`, `key`, `signature` or `freshness`.
    #[schema(required, value_type = Option<String>)]
    step: Option<&'static str>,
    /// The reason of the failure, for programs.
    #[schema(required, value_type = Option<String>)]
    reason: Option<&'static str>,
    /// The reason of the failure, for people.
    #[schema(required)]
    detail: Option<String>,
    /// The label of the key that verified the delivery.
    #[schema(required)]
    key_id: Option<String>,
    /// The event type, as the provider names it.
    #[schema(required)]
    event_type: Option<String>,
}

/// Test whether a delivery would be accepted
#[utoipa::path(
    post,
    path = "/api/admin/webhooks/test-signature",
    operation_id = "testWebhookSignature",
    tag = "admin",
    request_body = SignatureTestRequest,
    responses((status = 200, description = "The result", body = SignatureTestResponse), Problems)
)]
pub(crate) async fn post(
    State(state): State<Arc<AdminState>>,
    JsonBody(request): JsonBody<SignatureTestRequest>,
) -> Result<Json<SignatureTestResponse>, Problem> {
    let endpoint = request.endpoint.parse().map_err(|_| unprocessable("endpoint", expected_endpoints()))?;
    let headers = parse_headers(&request.headers)?;
    let body = parse_body(request.body, request.body_base64)?;
    let incoming = IncomingRequest { endpoint, headers: &headers, client: None };
    let verified = state.intake.verify(incoming, body, state.clock.now()).await;
    Ok(Json(verified.map_or_else(SignatureTestResponse::from, SignatureTestResponse::from)))
}

fn expected_endpoints() -> String {
    let names: Vec<String> = Endpoint::all().map(|endpoint| endpoint.to_string()).collect();
    format!("must be one of {}", names.join(", "))
}

fn parse_headers(headers: &BTreeMap<String, String>) -> Result<HeaderMap, Problem> {
    let invalid = || unprocessable("headers", format!("must be at most {HEADERS_MAX} header fields"));
    if headers.len() > HEADERS_MAX {
        return Err(invalid());
    }
    let parse = |(name, value): (&String, &String)| {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        Ok((name, HeaderValue::try_from(value.as_str()).map_err(|_| invalid())?))
    };
    headers.iter().map(parse).collect()
}

fn parse_body(text: Option<String>, base64: Option<String>) -> Result<Bytes, Problem> {
    match (text, base64) {
        (Some(text), None) => Ok(text.into()),
        (None, Some(base64)) => {
            let bytes = STANDARD.decode(base64);
            bytes.map(Bytes::from).map_err(|_| unprocessable("body_base64", "must be Base64"))
        }
        (None, None) => Ok(Bytes::new()),
        (Some(_), Some(_)) => Err(unprocessable("body", "must be absent if there is body_base64")),
    }
}

impl From<VerifiedRequest> for SignatureTestResponse {
    fn from(verified: VerifiedRequest) -> Self {
        let (key_id, event_type) = match verified {
            VerifiedRequest::Delivery(delivery) => {
                (Some(delivery.key_id().to_owned()), delivery.event_type().to_owned())
            }
            VerifiedRequest::Confirmation(_) => (None, "SubscriptionConfirmation".to_owned()),
            VerifiedRequest::SubscriptionEnd(_) => (None, "UnsubscribeConfirmation".to_owned()),
        };
        let event_type = Some(event_type);
        Self { is_verified: true, step: None, reason: None, detail: None, key_id, event_type }
    }
}

impl From<IntakeError> for SignatureTestResponse {
    fn from(error: IntakeError) -> Self {
        let (step, detail) = match &error {
            IntakeError::Rejected(rejection) => (Some(rejection.step().as_str()), rejection.to_string()),
            IntakeError::NoKey(_) | IntakeError::Fetch(_) => (Some("key"), with_causes(&error)),
            IntakeError::NotStored(_) => (None, with_causes(&error)),
        };
        let reason = Some(error.reason().unwrap_or("unavailable"));
        Self { is_verified: false, step, reason, detail: Some(detail), key_id: None, event_type: None }
    }
}
