//! Every error response of the service, as RFC 9457 problem details.
//!
//! A [`Problem`] becomes a response with an *empty* body and itself in the response's extensions. An outer layer writes the
//! body, because only it has the request id and the path. Nothing else in this crate builds an error body, and no other crate
//! knows HTTP status codes.

mod from_intake;
mod from_market_data;
mod from_store;
mod kind;

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

pub(crate) use kind::Kind;

use crate::redaction::Redaction;

/// The media type of every error body.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Header fields of a typical response. Reserve room for all of them before you add the first: growing the map is expensive.
pub(crate) const HEADERS_EXPECTED: usize = 20;

/// One error response. Clients read `detail` and `members`, which must not contain internal details.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) detail: Cow<'static, str>,
    members: Vec<(&'static str, Value)>,
    violated_policies: &'static [&'static str],
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The error and its sources, for the log.
    pub(crate) cause: Option<String>,
}

impl Problem {
    /// `detail` says in one sentence what happened this time.
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
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
    pub(crate) fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    /// Names the exceeded limits, as the draft of the rate limit fields requires. Copies nothing, because a refusal must be
    /// cheap.
    pub(crate) fn violating(mut self, policies: &'static [&'static str]) -> Self {
        self.violated_policies = policies;
        self
    }

    pub(crate) fn with_room_for_headers(mut self, count: usize) -> Self {
        self.headers.reserve_exact(count);
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds `Retry-After` of at least 1: with 0, clients retry at once.
    pub(crate) fn retry_after_s(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Records the error and its sources for the log; clients never see them.
    pub(crate) fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        self.cause = Some(telemetry::with_causes(error));
        self
    }

    /// Removes API keys from what may repeat text of the client.
    pub(crate) fn redact(&mut self, redaction: &Redaction) {
        let clean = |text: &str| {
            redaction.redacted(text.as_bytes()).map(|clean| String::from_utf8_lossy(&clean).into_owned())
        };
        let Self { kind: _, detail, members, violated_policies: _, headers: _, cause } = self;
        // Text of our own is borrowed.
        if let Cow::Owned(text) = detail
            && let Some(clean) = clean(text)
        {
            *text = clean;
        }
        let members = members.iter_mut().filter_map(|(_, value)| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
        for text in members.chain(cause) {
            if let Some(clean) = clean(text) {
                *text = clean;
            }
        }
    }

    /// The JSON document of one occurrence; `instance` is the path of the request.
    pub(crate) fn document<'a>(&'a self, instance: &'a str, request_id: &'a str) -> Document<'a> {
        Document { problem: self, instance, request_id }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut response = self.kind.status().into_response();
        response.headers_mut().reserve(HEADERS_EXPECTED);
        for (name, value) in self.headers.drain(..) {
            response.headers_mut().append(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem with the members that only its request knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'a> {
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
    fn a_problem_has_its_members_and_its_response_has_its_headers() {
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
        assert_eq!(
            response.extensions().get::<Problem>().map(|problem| problem.kind),
            Some(Kind::QuotaExceeded)
        );
    }
}
