//! Validates requests of HTTP/2. hyper has checked their framing, has refused connection-specific fields, and has dropped a
//! fragment from the path.

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

use crate::rules::{Body, Fields, check_target, is_authority, is_bodiless, is_origin_form, is_scheme};
use crate::{HEAD_BYTES_MAX, HEADERS_MAX, HeadError, REJECTED_METHOD};

/// Checks a request by the rules for a head of HTTP/1. `has_body` if data follows.
///
/// # Errors
/// The error of the same head in HTTP/1.
pub fn validate_http2<B>(request: &Request<B>, has_body: bool) -> Result<(), HeadError> {
    let (method, uri, headers) = (request.method().as_str(), request.uri(), request.headers());
    let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
    check_target(target)?;
    // In HTTP/1 the authority is one of them.
    let has_no_host = !headers.contains_key(HOST);
    if headers.len() + usize::from(has_no_host) > HEADERS_MAX {
        return Err(HeadError::TooManyHeaders);
    }
    if head_bytes(method, target, headers) > HEAD_BYTES_MAX {
        return Err(HeadError::HeadTooLarge);
    }
    if method == REJECTED_METHOD {
        return Err(HeadError::Malformed);
    }
    let fields = Fields::parse(headers.iter().map(text))?;
    check_authority(uri, fields.host)?;
    if !is_origin_form(method, target) || !uri.scheme_str().is_none_or(is_scheme) {
        return Err(HeadError::Target);
    }
    let body = fields.body(method, false)?;
    let is_empty = body == Body::Length(0) && !has_body;
    if is_bodiless(method) && !is_empty { Err(HeadError::UnexpectedBody) } else { Ok(()) }
}

/// One host: that of `:authority`, that of `Host`, or both if they are equal (RFC 9113 §8.3.1).
fn check_authority(uri: &Uri, host: Option<&[u8]>) -> Result<(), HeadError> {
    let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
    let is_same = authority.zip(host).is_none_or(|(one, other)| one.eq_ignore_ascii_case(other));
    if is_same && authority.or(host).is_some_and(is_authority) { Ok(()) } else { Err(HeadError::Host) }
}

/// The length of the head if it were written in HTTP/1.
fn head_bytes(method: &str, target: &str, headers: &HeaderMap) -> usize {
    let line = method.len() + target.len() + "  HTTP/1.1\r\n\r\n".len();
    line + headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum::<usize>()
}

fn text<'a>((name, value): (&'a HeaderName, &'a HeaderValue)) -> (&'a str, &'a [u8]) {
    (name.as_str(), value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validate(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), HeadError> {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        validate_http2(&request.body(()).unwrap(), false)
    }

    #[test]
    fn each_rule_of_http1_holds() {
        let long = "a".repeat(crate::TARGET_BYTES_MAX);
        let large = "a".repeat(HEAD_BYTES_MAX);
        for (method, uri, headers, expected) in [
            ("GET", "http://a/x?y", &[][..], Ok(())),
            ("GET", "https://A:443/", &[("host", "a:443")], Ok(())),
            ("GET", "/", &[("host", "a")], Ok(())),
            ("DELETE", "http://a/", &[("content-length", "0")], Ok(())),
            ("GET", "/", &[], Err(HeadError::Host)),
            ("GET", "http://a/", &[("host", "b")], Err(HeadError::Host)),
            ("GET", "http://a/", &[("host", "a"), ("host", "a")], Err(HeadError::Host)),
            ("GET", "http://user@a/", &[], Err(HeadError::Host)),
            ("GET", "/", &[("host", "a/b")], Err(HeadError::Host)),
            ("GET", "ftp://a/", &[], Err(HeadError::Target)),
            ("GET", "*", &[("host", "a")], Err(HeadError::Target)),
            ("OPTIONS", "*", &[("host", "a")], Ok(())),
            ("CONNECT", "a:443", &[], Err(HeadError::Target)),
            ("GET", "http://a/^", &[], Err(HeadError::Target)),
            ("X-REJECTED", "http://a/", &[], Err(HeadError::Malformed)),
            ("GET", "http://a/", &[("content-length", "1")], Err(HeadError::UnexpectedBody)),
            ("POST", "http://a/", &[("content-length", "+1")], Err(HeadError::Framing)),
            (
                "POST",
                "http://a/",
                &[("content-length", "1"), ("content-length", "1")],
                Err(HeadError::Framing),
            ),
            ("POST", "http://a/", &[("transfer-encoding", "chunked")], Err(HeadError::Framing)),
            (
                "POST",
                "http://a/",
                &[("content-type", "a/b"), ("content-type", "a/b")],
                Err(HeadError::ContentType),
            ),
            ("GET", &format!("http://a/{long}"), &[], Err(HeadError::TargetTooLong)),
            ("GET", "http://a/", &[("x", &large)], Err(HeadError::HeadTooLarge)),
            ("GET", "http://a/", &[("x", ""); HEADERS_MAX - 1], Ok(())),
            ("GET", "http://a/", &[("x", ""); HEADERS_MAX], Err(HeadError::TooManyHeaders)),
        ] {
            assert_eq!(validate(method, uri, headers), expected, "{method} {uri:.40} {headers:.40?}");
        }
        let request = Request::get("http://a/").body(()).unwrap();
        assert_eq!(validate_http2(&request, true), Err(HeadError::UnexpectedBody));
    }
}
