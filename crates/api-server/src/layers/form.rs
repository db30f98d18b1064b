//! Refuses requests whose form alone rules them out: those that the gate refused, and targets that are no plain path.
//!
//! What the [`Gate`](crate::connection::Gate) checks on HTTP/1 bytes is checked here again as far as HTTP/2 has it.

use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderValue, Method, Version, header};
use http_body::Body as _;

use super::exchange::Exchange;
use super::step::Step;
use crate::connection::{HEADERS_MAX, REFUSED_METHOD, Refusal, TARGET_BYTES_MAX};
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// The layer.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

impl Step for Form {
    type After = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        let judged = verdict(request).map_or_else(|| judge(request), |refusal| Err(refusal.into()));
        judged.inspect_err(|_| self.metrics.refused_heads.inc())
    }
}

/// Why the gate put this request in the place of another one.
fn verdict(request: &Request) -> Option<Refusal> {
    if request.method().as_str() != REFUSED_METHOD {
        return None;
    }
    Exchange::of(request).ok()?.connection().verdict()
}

fn judge(request: &Request) -> Result<(), Problem> {
    if request.version() == Version::HTTP_2 {
        judge_http2(request)?;
    }
    if is_plain(request.uri().path()) {
        Ok(())
    } else {
        Err(Problem::new(
            Kind::BadRequest,
            "the path holds an encoded separator, control character or dot segment",
        ))
    }
}

fn judge_http2(request: &Request) -> Result<(), Problem> {
    let target_bytes = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let is_bodiless =
        matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE | Method::TRACE);
    let refusal = if target_bytes > TARGET_BYTES_MAX {
        Refusal::TargetTooLong
    } else if request.headers().len() > HEADERS_MAX {
        Refusal::TooManyHeaders
    } else if is_bodiless && !request.body().is_end_stream() {
        Refusal::UnexpectedBody
    } else {
        return Ok(());
    };
    Err(refusal.into())
}

/// Whether a path means the same to everyone who reads it: no encoded `/`, `\`, `%` or control character, no
/// backslash, no `.` or `..` segment, encoded or not.
fn is_plain(path: &str) -> bool {
    if memchr::memchr2(b'%', b'\\', path.as_bytes()).is_none() {
        return !path.contains("/.") || path.split('/').all(|segment| !matches!(segment, "." | ".."));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'\\' => return false,
            b'%' => match hex(&mut bytes) {
                Some(b'/' | b'\\' | b'%' | 0x7f..) | Some(..b' ') | None => return false,
                Some(other) => other,
            },
            other => other,
        });
    }
    decoded.split(|byte| *byte == b'/').all(|segment| !matches!(segment, b"." | b".."))
}

fn hex(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut digit = || char::from(bytes.next()?).to_digit(16);
    u8::try_from(digit()? * 16 + digit()?).ok()
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::LineEnding
            | Refusal::Malformed
            | Refusal::Host
            | Refusal::Framing
            | Refusal::UnexpectedBody
            | Refusal::Target => Kind::BadRequest,
            Refusal::TargetTooLong => Kind::UriTooLong,
            Refusal::HeadTooLarge | Refusal::TooManyHeaders => Kind::HeaderFieldsTooLarge,
        };
        Self::new(kind, refusal.to_string())
            .with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_everyone_reads_alike_are_plain() {
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
            assert_eq!(is_plain(path), expected, "{path}");
        }
    }
}
