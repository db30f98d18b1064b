//! A resource's bytes with their validator: `ETag`, `If-None-Match`, 304, and who may keep a copy.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::problem::{Kind, Problem};

/// A client may keep a copy and must ask whether it is still current; nobody between may.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Whose copy it is depends on the credential.
const VARY: HeaderValue = HeaderValue::from_static("Authorization, X-API-Key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// JSON and, where its bytes are known to be the same as long as a tag is the same, that tag.
#[derive(Clone, Debug)]
pub struct Representation {
    body: Bytes,
    etag: Option<HeaderValue>,
}

impl Representation {
    /// Finished bytes under a strong tag; without one when they change with every answer.
    #[must_use]
    pub fn new(body: Bytes, etag: Option<HeaderValue>) -> Self {
        Self { body, etag }
    }

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// An internal problem when a value cannot be written, which a NaN in a map's key would be.
    pub fn bytes_of(value: &impl Serialize) -> Result<Bytes, Problem> {
        /// Bytes that most answers fit in, so that writing rarely reallocates.
        const CAPACITY_BYTES: usize = 16 * 1024;
        let mut body = Vec::with_capacity(CAPACITY_BYTES);
        match serde_json::to_writer(&mut body, value) {
            Ok(()) => Ok(Bytes::from(body)),
            Err(error) => Err(Problem::new(Kind::Internal, "the answer cannot be written").caused_by(&error)),
        }
    }

    /// The answer to a client that already holds what `etag` names; `None` when it does not.
    #[must_use]
    pub fn not_modified(request: &HeaderMap, etag: Option<&HeaderValue>) -> Option<Response> {
        let etag = etag.filter(|etag| names(request, etag))?;
        let headers =
            [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, CACHE_CONTROL), (header::VARY, VARY)];
        Some((StatusCode::NOT_MODIFIED, headers).into_response())
    }
}

impl IntoResponse for Representation {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
        if let Some(etag) = self.etag {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// Whether `If-None-Match` names this tag, by weak comparison (RFC 9110 §13.1.2).
fn names(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = request.get_all(header::IF_NONE_MATCH).into_iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).any(|named| {
        let named = named.trim();
        named == "*" || named.strip_prefix("W/").unwrap_or(named).as_bytes() == etag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_copy_is_recognised() {
        let etag = HeaderValue::from_static("\"a-1\"");
        for (line, expected) in [
            ("\"a-1\"", true),
            ("W/\"a-1\"", true),
            ("\"b\", \"a-1\"", true),
            ("*", true),
            ("\"a-2\"", false),
            ("a-1", false),
            ("", false),
        ] {
            let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(line))]);
            let answer = Representation::not_modified(&request, Some(&etag));
            assert_eq!(answer.is_some(), expected, "{line}");
            assert!(
                answer.is_none_or(|answer| answer.status() == 304 && answer.headers()[header::ETAG] == etag)
            );
        }
        assert!(Representation::not_modified(&HeaderMap::new(), Some(&etag)).is_none());
    }
}
