//! Refuses requests whose head [`strict_http1`] rejects, or whose target is ambiguous.

use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderValue, Version, header};
use http_body::Body as _;
use strict_http1::{HeadError, REJECTED_METHOD, validate_http2};
use telemetry::metrics::Metrics;

use super::hook::RequestHook;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct RequestValidation {
    pub(crate) metrics: Arc<Metrics>,
}

impl RequestHook for RequestValidation {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        let result = rejected_head(request).map_or_else(|| validate(request), |error| Err(error.into()));
        result.inspect_err(|_| {
            self.metrics.refused_heads.inc();
            if let Ok(context) = RequestContext::get(request.extensions()) {
                context.refused_head.get_or_init(|| ());
            }
        })
    }
}

/// Why the head of this request was rejected.
fn rejected_head(request: &Request) -> Option<HeadError> {
    if request.method().as_str() != REJECTED_METHOD {
        return None;
    }
    RequestContext::get(request.extensions()).ok()?.connection.head_error()
}

fn validate(request: &Request) -> Result<(), Problem> {
    if request.version() == Version::HTTP_2 {
        validate_http2(request, !request.body().is_end_stream())?;
    }
    if is_unambiguous(request.uri().path()) {
        Ok(())
    } else {
        Err(Problem::new(
            Kind::BadRequest,
            "the path contains an encoded separator, control character or dot segment",
        ))
    }
}

/// Whether every parser reads a path alike: it has no encoded `/`, `\`, `%` or control character, no backslash, and no `.` or
/// `..` segment, encoded or not.
fn is_unambiguous(path: &str) -> bool {
    if memchr::memchr2(b'%', b'\\', path.as_bytes()).is_none() {
        return !path.contains("/.") || path.split('/').all(|segment| !matches!(segment, "." | ".."));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'\\' => return false,
            b'%' => match parse_hex(&mut bytes) {
                Some(b'/' | b'\\' | b'%' | 0x7f..) | Some(..b' ') | None => return false,
                Some(other) => other,
            },
            other => other,
        });
    }
    decoded.split(|byte| *byte == b'/').all(|segment| !matches!(segment, b"." | b".."))
}

fn parse_hex(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut digit = || char::from(bytes.next()?).to_digit(16);
    u8::try_from(digit()? * 16 + digit()?).ok()
}

impl From<HeadError> for Problem {
    fn from(error: HeadError) -> Self {
        let kind = match error {
            HeadError::LineEnding
            | HeadError::Malformed
            | HeadError::Host
            | HeadError::ContentType
            | HeadError::Framing
            | HeadError::UnexpectedBody
            | HeadError::Target => Kind::BadRequest,
            HeadError::TargetTooLong => Kind::UriTooLong,
            HeadError::HeadTooLarge | HeadError::TooManyHeaders => Kind::HeaderFieldsTooLarge,
        };
        Self::new(kind, error.to_string()).with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_every_parser_reads_alike_are_accepted() {
        for (path, expected) in [
            ("/", true),
            ("/api/analyze/BRK.B", true),
            ("/api/analyze/%5EGSPC", true),
            ("/.well-known/x", true),
            ("//v1//quotes", true),
            ("/a/%2f..%2Fb", false),
            ("/a%5cb", false),
            ("/a\\b", false),
            ("/a%00b", false),
            ("/a%0ab", false),
            ("/a%7f", false),
            ("/a%ff", false),
            ("/a%252fb", false),
            ("/a/../b", false),
            ("/a/%2e%2E/b", false),
            ("/a/.%2e", false),
            ("/.", false),
            ("/a%2", false),
            ("/a%zz", false),
        ] {
            assert_eq!(is_unambiguous(path), expected, "{path}");
        }
    }
}
