//! Compresses the response if the client accepts that, and says in `Vary` and `ETag` that there is more than one encoding.
//!
//! Compression reveals secrets by their length if an attacker can choose a part of the body and have a victim's browser
//! request it (BREACH). Here, no body has a secret, and the API key is in a header that no browser adds by itself.

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
            RequestContext::get(request.extensions())?.set_content_encoding(encoding);
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
        // The response cache has compressed it before.
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

/// A strong ETag stands for the same bytes, a weak one for the same resource in any encoding. Also on a 304, whose ETag must be
/// that of the 200, and which does not know the size of the body.
fn weaken_etag(headers: &mut HeaderMap) {
    if let Some(etag) = headers.get_mut(header::ETAG)
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat())
    {
        *etag = weak;
    }
}
