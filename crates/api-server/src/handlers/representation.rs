//! A resource's bytes with their validator, and who may keep a copy.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::Serialize;

use crate::layers::security_headers::FIELDS_EXPECTED;
use crate::problem::{Kind, Problem};

/// A client may keep a copy and must ask whether it is still current; nobody between may.
pub(super) const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Whose copy it is depends on the credential.
pub(super) const VARY: HeaderValue = HeaderValue::from_static("Authorization, X-API-Key");
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

    /// Finished bytes under a tag made of themselves: for small ones without a version.
    #[must_use]
    pub fn tagged_by_content(body: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok();
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
        match analysis::json::write(&mut body, value) {
            // Without spare room, because many of them are kept.
            Ok(()) => Ok(Bytes::from(body.into_boxed_slice())),
            Err(error) => Err(Problem::new(Kind::Internal, "the answer cannot be written").caused_by(&error)),
        }
    }

    /// The tag of its bytes.
    #[must_use]
    pub fn etag(&self) -> Option<&HeaderValue> {
        self.etag.as_ref()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.body.len()
    }
}

impl IntoResponse for Representation {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        let headers = response.headers_mut();
        headers.reserve(FIELDS_EXPECTED);
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
        if let Some(etag) = self.etag {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}
