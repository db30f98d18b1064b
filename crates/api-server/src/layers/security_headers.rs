//! Adds headers to every response that restrict browsers.

use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};

use super::hook::{RequestHook, ResponseHook};
use crate::problem::{HEADERS_EXPECTED, Problem};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

// Constants, because validating a value costs as much as sending it.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_DEVICES: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()");
const TLS_FOR_TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

#[derive(Clone, Copy, Debug)]
pub(crate) struct SecurityHeaders {
    /// Whether browsers must use TLS for two years.
    pub(crate) hsts: bool,
}

impl RequestHook for SecurityHeaders {
    type ResponseHook = Self;

    fn on_request(&self, _request: &mut Request) -> Result<Self, Problem> {
        Ok(*self)
    }
}

impl ResponseHook for SecurityHeaders {
    fn on_response(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.reserve(HEADERS_EXPECTED.saturating_sub(headers.len()));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(header::X_FRAME_OPTIONS, DENY);
        headers.insert(header::REFERRER_POLICY, NO_REFERRER);
        headers.insert(PERMISSIONS_POLICY, NO_DEVICES);
        if self.hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_FOR_TWO_YEARS);
        }
        // A handler may set its own policy and caching.
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
        headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn a_response_gets_them_and_keeps_its_own_policy_and_caching() {
        let mut plain = Response::new(Body::empty());
        SecurityHeaders { hsts: false }.on_response(&mut plain);
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(plain.headers()[header::X_FRAME_OPTIONS], "DENY");
        assert!(!plain.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));

        let mut page = Response::new(Body::empty());
        page.headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        SecurityHeaders { hsts: true }.on_response(&mut page);
        assert_eq!(page.headers()[header::CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert!(page.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
