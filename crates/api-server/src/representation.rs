//! A resource as JSON with its ETag, and the cache directives of the response.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::Serialize;
use tower_http::CompressionLevel;

use crate::content_encoding::{COMPRESSED_BYTES_MIN, ContentEncoding};
use crate::problem::{HEADERS_EXPECTED, Kind, Problem};

/// The client may cache the response and must revalidate it; proxies may not cache it.
pub(crate) const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Cached responses depend on the credential and the encoding.
pub(crate) const VARY: HeaderValue = HeaderValue::from_static("Authorization, X-API-Key, Accept-Encoding");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// JSON and, unless it changes with every response, its ETag.
#[derive(Clone, Debug)]
pub(crate) struct Representation {
    pub(crate) body: Bytes,
    encoding: ContentEncoding,
    pub(crate) etag: Option<HeaderValue>,
}

impl Representation {
    pub(crate) fn new(body: Bytes, etag: Option<HeaderValue>) -> Self {
        Self { body, encoding: ContentEncoding::Identity, etag }
    }

    /// With an ETag from the bytes, for small bodies without a version.
    pub(crate) fn with_content_etag(body: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok();
        Self::new(body, etag)
    }

    /// `value` as JSON. Fails only for values without a JSON form, such as a NaN in a map's key.
    pub(crate) fn serialize(value: &impl Serialize) -> Result<Bytes, Problem> {
        /// Bytes that are enough for most responses, so that writing rarely reallocates.
        const CAPACITY_BYTES: usize = 16 * 1024;
        let mut body = Vec::with_capacity(CAPACITY_BYTES);
        match json_writer::write(&mut body, value) {
            // Without spare capacity, because many of them are cached.
            Ok(()) => Ok(Bytes::from(body.into_boxed_slice())),
            Err(error) => {
                Err(Problem::new(Kind::Internal, "serializing the response failed").caused_by(&error))
            }
        }
    }

    /// Compressed, unless it is short.
    pub(crate) fn compressed(mut self, encoding: ContentEncoding, level: CompressionLevel) -> Self {
        if encoding != ContentEncoding::Identity
            && self.body.len() >= COMPRESSED_BYTES_MIN
            && let Some(body) = encoding.compress(Body::from(self.body.clone()), level)
        {
            (self.body, self.encoding) = (body, encoding);
        }
        self
    }
}

impl IntoResponse for Representation {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        let headers = response.headers_mut();
        headers.reserve(HEADERS_EXPECTED);
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
        if self.encoding != ContentEncoding::Identity {
            headers.insert(header::CONTENT_ENCODING, self.encoding.header_value());
        }
        if let Some(etag) = self.etag {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}
