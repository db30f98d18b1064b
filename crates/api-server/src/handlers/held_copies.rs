//! The copies that a client holds (`If-None-Match`), and the answer 304 to a client whose copy is current.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use super::Representation;
use super::representation::{CACHE_CONTROL, VARY};

/// Tags of the copies that a client holds; most requests have none.
#[derive(Clone, Debug, Default)]
pub struct HeldCopies(Vec<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for HeldCopies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

impl HeldCopies {
    /// Whether one of them is the one that `etag` names, by weak comparison (RFC 9110 §13.1.2). An answer without a
    /// tag is never held.
    #[must_use]
    pub fn include(&self, etag: Option<&HeaderValue>) -> bool {
        let lines = self.0.iter().filter_map(|line| line.to_str().ok());
        etag.is_some_and(|etag| {
            lines.flat_map(|line| line.split(',')).any(|held| {
                let held = held.trim();
                held == "*" || held.strip_prefix("W/").unwrap_or(held).as_bytes() == etag.as_bytes()
            })
        })
    }

    /// The answer, or 304 when the client holds it.
    #[must_use]
    pub fn or_send(&self, answer: Representation) -> Response {
        match self.include(answer.etag()) {
            true => NotModified(answer.etag().cloned()).into_response(),
            false => answer.into_response(),
        }
    }
}

/// 304: the client's copy is current.
#[derive(Clone, Debug)]
pub struct NotModified(pub Option<HeaderValue>);

impl IntoResponse for NotModified {
    fn into_response(self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
        if let Some(etag) = self.0 {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_copy_is_recognised() {
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
            let held = HeldCopies(lines.iter().map(|line| HeaderValue::from_static(line)).collect());
            assert_eq!(held.include(Some(&etag)), expected, "{lines:?}");
            assert!(!held.include(None), "{lines:?}");
        }
    }
}
