//! Compresses the response if the client accepts it, and adapts `Vary` and `ETag` to several encodings.
//!
//! Compression reveals secrets by their length if an attacker can choose a part of the body and make a victim's browser request
//! it (BREACH). Here no body contains a secret, and no browser adds the API key by itself.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use http_body::Body as _;

use super::hook::{RequestHook, ResponseHook};
use crate::content_encoding::{COMPRESSED_BYTES_MIN, ContentEncoding, LEVEL_ONCE};
use crate::problem::{Kind, Problem};
use crate::representation::VARY;
use crate::request_context::RequestContext;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression;

#[derive(Debug)]
pub(crate) struct CompressResponse(ContentEncoding);

impl RequestHook for Compression {
    type ResponseHook = CompressResponse;

    fn on_request(&self, request: &mut Request) -> Result<CompressResponse, Problem> {
        let encoding = ContentEncoding::negotiate(request.headers());
        if encoding != ContentEncoding::Identity {
            RequestContext::get(request.extensions())?.content_encoding.get_or_init(|| encoding);
        }
        Ok(CompressResponse(encoding))
    }
}

impl ResponseHook for CompressResponse {
    fn on_response(self, response: &mut Response) {
        let Self(encoding) = self;
        if encoding != ContentEncoding::Identity {
            weaken_etag(response.headers_mut());
        }
        // A body of unknown size is a stream, and stays one.
        if response.body().size_hint().exact().unwrap_or(0) < COMPRESSED_BYTES_MIN as u64 {
            return;
        }
        if !response.headers().get_all(header::VARY).iter().any(|line| *line == VARY) {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        // The response cache compressed it already.
        if encoding == ContentEncoding::Identity || response.headers().contains_key(header::CONTENT_ENCODING)
        {
            return;
        }
        match encoding.compress(std::mem::take(response.body_mut()), LEVEL_ONCE) {
            Some(body) => {
                *response.body_mut() = Body::from(body);
                response.headers_mut().remove(header::CONTENT_LENGTH);
                response.headers_mut().insert(header::CONTENT_ENCODING, encoding.header_value());
            }
            None => {
                *response = Problem::new(Kind::Internal, "compressing the response failed").into_response();
            }
        }
    }
}

/// A strong ETag identifies bytes, a weak one a resource in any encoding. Also for a 304: its ETag must be that of the 200, and
/// the size of the body is unknown.
fn weaken_etag(headers: &mut HeaderMap) {
    if let Some(etag) = headers.get_mut(header::ETAG)
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat())
    {
        *etag = weak;
    }
}
