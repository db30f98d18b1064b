//! Every error answer of the service: what went wrong, as RFC 9457 problem details.
//!
//! A [`Problem`] becomes a response with an *empty* body and itself in the response's extensions; the outermost layer
//! renders it, because only there the request id and the path are at hand. Nothing else in this crate makes an error
//! body, and no other crate knows what a status code is.

mod from_deliveries;
mod from_market_data;
mod from_store;
mod kind;

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::layers::security_headers::FIELDS_EXPECTED;
pub use kind::Kind;

/// The media type of every error body.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One error answer. `detail` and `members` are read by the client: they hold nothing of ours that it may not know.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    members: Vec<(&'static str, Value)>,
    violated_policies: &'static [&'static str],
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened this time, in one sentence for the client.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            members: Vec::new(),
            violated_policies: &[],
            headers: Vec::new(),
            cause: None,
        }
    }

    /// Adds an extension member, such as `parameter` or `violated-policies`.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    /// Names the limits that were exceeded, as the draft of the rate limit fields says. Refusing must be cheap: here
    /// nothing is copied.
    #[must_use]
    pub fn violating(mut self, policies: &'static [&'static str]) -> Self {
        self.violated_policies = policies;
        self
    }

    /// Makes room for response headers.
    #[must_use]
    pub fn with_room_for_headers(mut self, count: usize) -> Self {
        self.headers.reserve_exact(count);
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds `Retry-After`: at least 1, because a client told to wait 0 s comes back at once.
    #[must_use]
    pub fn retry_after_s(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Keeps what led to it, for our log alone: its chain of sources, which the client never reads.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        self.cause = Some(crate::logs::with_causes(error));
        self
    }

    /// What led to it, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The JSON document of one occurrence: the request's path and its id complete it.
    #[must_use]
    pub fn document<'a>(&'a self, instance: &'a str, request_id: &'a str) -> Document<'a> {
        Document { problem: self, instance, request_id }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut response = self.kind.status().into_response();
        response.headers_mut().reserve(FIELDS_EXPECTED);
        for (name, value) in self.headers.drain(..) {
            response.headers_mut().append(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem as it is sent: `Serialize` writes its JSON object.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    problem: &'a Problem,
    instance: &'a str,
    request_id: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Problem { kind, detail, members, violated_policies, headers: _, cause: _ } = self.problem;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("type", kind.type_uri())?;
        out.serialize_entry("title", kind.title())?;
        out.serialize_entry("status", &kind.status().as_u16())?;
        out.serialize_entry("code", kind.code())?;
        out.serialize_entry("detail", detail)?;
        out.serialize_entry("instance", self.instance)?;
        out.serialize_entry("request_id", self.request_id)?;
        for (name, value) in members {
            out.serialize_entry(name, value)?;
        }
        if !violated_policies.is_empty() {
            out.serialize_entry("violated-policies", violated_policies)?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_rendered_with_its_members_and_sent_with_its_headers() {
        let problem = Problem::new(Kind::QuotaExceeded, "120 requests a minute are allowed")
            .violating(&["address"])
            .retry_after_s(0);
        let document = serde_json::to_value(problem.document("/api/symbols", "r-1")).unwrap();
        assert_eq!(
            document,
            serde_json::json!({
                "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
                "title": "Quota exceeded",
                "status": 429,
                "code": "too_many_requests",
                "detail": "120 requests a minute are allowed",
                "instance": "/api/symbols",
                "request_id": "r-1",
                "violated-policies": ["address"],
            })
        );
        let response = problem.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.extensions().get::<Problem>().map(Problem::kind), Some(Kind::QuotaExceeded));
    }
}
