//! `If-None-Match`, and the response 304 to a client whose cached copy is current.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use crate::representation::{CACHE_CONTROL, Representation, VARY};

/// The ETags of a client's cached copies; most requests have none.
#[derive(Clone, Debug, Default)]
pub(crate) struct IfNoneMatch(Vec<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

impl IfNoneMatch {
    /// Whether one of them matches `etag`, by weak comparison (RFC 9110 §13.1.2). A response without an ETag never matches.
    pub(crate) fn matches(&self, etag: Option<&HeaderValue>) -> bool {
        let lines = self.0.iter().filter_map(|line| line.to_str().ok());
        etag.is_some_and(|etag| {
            lines.flat_map(|line| line.split(',')).any(|cached| {
                let cached = cached.trim();
                cached == "*" || cached.strip_prefix("W/").unwrap_or(cached).as_bytes() == etag.as_bytes()
            })
        })
    }

    /// The response, or 304 if the client has it.
    pub(crate) fn respond(&self, representation: Representation) -> Response {
        self.not_modified(representation.etag.as_ref()).unwrap_or_else(|| representation.into_response())
    }

    /// 304 if the client has it.
    pub(crate) fn not_modified(&self, etag: Option<&HeaderValue>) -> Option<Response> {
        self.matches(etag).then(|| not_modified(etag.cloned()))
    }
}

fn not_modified(etag: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::VARY, VARY);
    if let Some(etag) = etag {
        headers.insert(header::ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_current_copy_is_recognized() {
        let etag = HeaderValue::from_static("\"a-1\"");
        for (lines, expected) in [
            (&["\"a-1\""][..], true),
            (&["W/\"a-1\""], true),
            (&["\"b\", \"a-1\""], true),
            (&["\"b\"", "\"a-1\""], true),
            (&["*"], true),
            (&["\"a-2\""], false),
            (&["a-1"], false),
            (&[""], false),
            (&[], false),
        ] {
            let if_none_match =
                IfNoneMatch(lines.iter().map(|line| HeaderValue::from_static(line)).collect());
            assert_eq!(if_none_match.matches(Some(&etag)), expected, "{lines:?}");
            assert!(!if_none_match.matches(None), "{lines:?}");
        }
    }
}
