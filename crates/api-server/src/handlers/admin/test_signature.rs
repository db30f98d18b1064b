//! `POST /api/admin/webhooks/test-signature`: would this delivery be taken? Nothing is kept, and no secret is told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use crate::deliveries::{Door, Proved, Refusal, Sent};
use crate::handlers::JsonBody;
use crate::handlers::parameters::unprocessable;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::Books;

/// Most headers of a delivery.
const HEADERS_MAX: usize = 64;

/// A delivery to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// Where it would come in: `alpaca/trade`, …, `bridge` or `circle`.
    #[schema(example = "alpaca/trade")]
    door: String,
    /// Its headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Its body as text.
    #[serde(default)]
    body: Option<String>,
    /// Its body in Base64, where it is no text.
    #[serde(default)]
    body_base64: Option<String>,
}

/// Whether it would be taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestAnswer {
    /// Whether its sender is proved.
    is_proved: bool,
    /// The step that failed: `parse`, `origin`, `key`, `signature` or `freshness`.
    #[schema(required, value_type = Option<String>)]
    step: Option<&'static str>,
    /// Why, in one word.
    #[schema(required, value_type = Option<String>)]
    reason: Option<&'static str>,
    /// Why, in a sentence.
    #[schema(required)]
    detail: Option<String>,
    /// What the key is called that proved it.
    #[schema(required)]
    key_id: Option<String>,
    /// What kind of event it is.
    #[schema(required)]
    event_type: Option<String>,
}

/// See whether a delivery would be taken, and which step fails
#[utoipa::path(
    post,
    path = "/api/admin/webhooks/test-signature",
    tag = "admin",
    request_body = TestRequest,
    responses((status = 200, description = "What was found", body = TestAnswer), Problems)
)]
pub async fn post(
    State(books): State<Arc<Books>>,
    JsonBody(request): JsonBody<TestRequest>,
) -> Result<Json<TestAnswer>, Problem> {
    let door: Door = request.door.parse().map_err(|_| {
        unprocessable(
            "door",
            "must be alpaca/trade, account, transfer, journal, nta or activity, bridge or circle",
        )
    })?;
    let headers = headers(&request.headers)?;
    let body = body(request.body, request.body_base64)?;
    let now = books.clock.now();
    Ok(Json(match books.desk.prove(Sent { door, headers: &headers, client: None }, body, now).await {
        Ok(proved) => TestAnswer::proved(&proved),
        Err(refusal) => TestAnswer::refused(&refusal),
    }))
}

fn headers(given: &BTreeMap<String, String>) -> Result<HeaderMap, Problem> {
    let wrong = || unprocessable("headers", format!("must be at most {HEADERS_MAX} header fields"));
    if given.len() > HEADERS_MAX {
        return Err(wrong());
    }
    let read = |(name, value): (&String, &String)| {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        Ok((name, HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?))
    };
    given.iter().map(read).collect()
}

fn body(text: Option<String>, base64: Option<String>) -> Result<Bytes, Problem> {
    match (text, base64) {
        (Some(text), None) => Ok(text.into()),
        (None, Some(base64)) => {
            let bytes = STANDARD.decode(base64);
            bytes.map(Bytes::from).map_err(|_| unprocessable("body_base64", "must be Base64"))
        }
        (None, None) => Ok(Bytes::new()),
        (Some(_), Some(_)) => Err(unprocessable("body", "is given twice: body and body_base64")),
    }
}

impl TestAnswer {
    fn proved(proved: &Proved) -> Self {
        let (key_id, event_type) = match proved {
            Proved::Delivery(delivery) => {
                (Some(delivery.key_id().to_owned()), Some(delivery.event_type().to_owned()))
            }
            Proved::Confirmation(_) => (None, Some("SubscriptionConfirmation".to_owned())),
            Proved::Unsubscribed(_) => (None, Some("UnsubscribeConfirmation".to_owned())),
        };
        Self { is_proved: true, step: None, reason: None, detail: None, key_id, event_type }
    }

    fn refused(refusal: &Refusal) -> Self {
        let (step, detail) = match refusal {
            Refusal::Rejected(rejection) => (Some(rejection.step().as_str()), rejection.to_string()),
            Refusal::NoKey(_) | Refusal::Fetch(_) => (Some("key"), refusal.to_string()),
            Refusal::NotKept(_) => (None, refusal.to_string()),
        };
        let reason = Some(refusal.reason().unwrap_or("unavailable"));
        Self { is_proved: false, step, reason, detail: Some(detail), key_id: None, event_type: None }
    }
}
