//! `POST /api/v1/webhooks/…`: deliveries of providers. No key: each proves itself by its signature.
//!
//! 200 means that the delivery outlives a crash, or did not need to. Everything else means that nothing of it was kept.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::Provider;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use store::Receipt;
use utoipa::ToSchema;
use webhooks::alpaca::Kind as AlpacaKind;

use crate::clock::Clock;
use crate::deliveries::{Desk, Door, Readers, Refusal, Sampled, Sent, Taken, Unread};
use crate::layers::exchange::Exchange;
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};

/// What became of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    /// `stored`, `duplicate` (it came before, and has no second effect), `confirmed` (a subscription at SNS), or `noted`.
    #[schema(value_type = String, example = "stored")]
    status: &'static str,
    /// What the kept event is called here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "42")]
    id: Option<String>,
}

/// What the routes of deliveries share.
#[derive(Debug)]
pub struct Reception {
    /// Where deliveries are proved.
    pub desk: Arc<Desk>,
    /// What time it is.
    pub clock: Clock,
    readers: Readers,
    sampled: [Sampled; Provider::ALL.len()],
}

/// A delivery of Alpaca's events
///
/// Signed with `Alpaca-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, or with the hex HMAC-SHA256 of the
/// body alone where that is allowed.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/alpaca/{kind}",
    tag = "webhooks",
    security(()),
    params(
        ("kind" = String, Path, description = "What kind of event", example = "trade",
            pattern = "^(trade|account|transfer|nta|journal|activity)$"),
        ("Alpaca-Signature" = Option<String>, Header, description = "The signature"),
    ),
    request_body(content = Object, content_type = "application/json", description = "The event, as the stream has it"),
    responses((status = 200, description = "It is kept", body = Acknowledged), Problems)
)]
pub async fn alpaca(
    State(reception): State<Arc<Reception>>,
    Path(kind): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let kind: AlpacaKind =
        kind.parse().map_err(|_| Problem::new(Kind::NotFound, "there is no such kind of event"))?;
    reception.take(Door::Alpaca(kind), request).await
}

/// A delivery of Bridge
///
/// Signed with `X-Webhook-Signature: t=<unix ms>,v0=<base64>`: RSA-SHA256 over the SHA-256 digest of `<t>.<body>`.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/bridge",
    tag = "webhooks",
    security(()),
    params(("X-Webhook-Signature" = Option<String>, Header, description = "The signature")),
    request_body(content = Object, content_type = "application/json", description = "The event"),
    responses((status = 200, description = "It is kept", body = Acknowledged), Problems)
)]
pub async fn bridge(State(reception): State<Arc<Reception>>, request: Request) -> Result<Response, Problem> {
    reception.take(Door::Bridge, request).await
}

/// A delivery of Circle
///
/// Of its second system: ECDSA P-256 over the body, in `X-Circle-Signature`, with the key that `X-Circle-Key-Id` names. Of
/// its first: a message of Amazon SNS, which carries its signature within.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/circle",
    tag = "webhooks",
    security(()),
    params(
        ("X-Circle-Signature" = Option<String>, Header, description = "The signature"),
        ("X-Circle-Key-Id" = Option<String>, Header, description = "Which key made it"),
    ),
    request_body(
        content(
            (Object = "application/json"),
            (String = "text/plain"),
        ),
        description = "The notification, or the message of SNS"
    ),
    responses((status = 200, description = "It is kept", body = Acknowledged), Problems)
)]
pub async fn circle(State(reception): State<Arc<Reception>>, request: Request) -> Result<Response, Problem> {
    reception.take(Door::Circle, request).await
}

/// Whether Circle's deliveries are taken here
///
/// Circle asks so before it sends any.
#[utoipa::path(
    head,
    path = "/api/v1/webhooks/circle",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "They are"), Problems)
)]
pub async fn is_here() -> StatusCode {
    StatusCode::OK
}

impl Reception {
    /// Takes deliveries to this desk, so many at once whose bodies are still on their way.
    #[must_use]
    pub fn new(desk: Arc<Desk>, clock: Clock, readers_max: usize) -> Self {
        Self { desk, clock, readers: Readers::new(readers_max), sampled: Default::default() }
    }

    async fn take(&self, door: Door, request: Request) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        // The layer around this bounds the body, and says what was wrong with one that could not be read.
        let body = self.readers.read(body).await.map_err(unread)?;
        let client = parts.extensions.get::<Exchange>().and_then(Exchange::client);
        self.take_read(Sent { door, headers: &parts.headers, client }, body).await
    }

    async fn take_read(&self, sent: Sent<'_>, body: Bytes) -> Result<Response, Problem> {
        let (now, body_bytes) = (self.clock.now(), body.len());
        match self.desk.take(sent, body, now).await {
            Ok(taken) => Ok(acknowledged(taken)),
            Err(refusal) => {
                self.note(sent.door, &refusal, body_bytes);
                Err(refusal.into())
            }
        }
    }

    /// Counts a refusal, and says it in the log now and then: what was wrong, never what was sent.
    fn note(&self, door: Door, refusal: &Refusal, body_bytes: usize) {
        let (source, reason) = (door.source(), refusal.reason());
        let counters = self.desk.metrics.deliveries.of(source);
        match reason.and_then(|reason| counters.rejected(reason)) {
            Some(counter) => counter.inc(),
            // What cannot be kept is counted by the layer, with what its own limit refuses.
            None if matches!(refusal, Refusal::NotKept(_)) => {}
            None => counters.unavailable.inc(),
        }
        let Some(left_out) = self.sampled[source as usize].due(self.clock.now()) else { return };
        let why = match refusal {
            Refusal::Rejected(rejection) => rejection.to_string(),
            other => other.to_string(),
        };
        tracing::warn!(%source, reason, why, body_bytes, left_out, "a delivery is refused");
    }
}

fn unread(why: Unread) -> Problem {
    match why {
        Unread::Broken => Problem::new(Kind::BadRequest, why.to_string()),
        // The rest of it is not read, so the connection cannot be used again.
        Unread::GaveWay => Problem::new(Kind::Timeout, why.to_string())
            .with_header(header::CONNECTION, HeaderValue::from_static("close")),
    }
}

/// Written by hand: this is the answer to thousands of requests a second, and its parts need no escaping.
fn acknowledged(taken: Taken) -> Response {
    let body = match taken {
        Taken::Kept(Receipt::Stored(id)) => format!("{{\"status\":\"stored\",\"id\":\"{id}\"}}"),
        Taken::Kept(Receipt::Duplicate(id)) => format!("{{\"status\":\"duplicate\",\"id\":\"{id}\"}}"),
        Taken::Confirmed => "{\"status\":\"confirmed\"}".to_owned(),
        Taken::Noted => "{\"status\":\"noted\"}".to_owned(),
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}
