//! Puts the headers on every answer that keep a browser from doing more with it than reading it.

use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};

use super::step::{After, Step};
use crate::problem::Problem;

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Header fields that an answer has at most when it leaves: room for them is made once.
const FIELDS_EXPECTED: usize = 16;

/// The layer.
#[derive(Clone, Copy, Debug)]
pub struct SecurityHeaders {
    /// Whether browsers are told to use TLS only, for two years.
    pub hsts: bool,
}

impl Step for SecurityHeaders {
    type After = Self;

    fn before(&self, _request: &mut Request) -> Result<Self, Problem> {
        Ok(*self)
    }
}

impl After for SecurityHeaders {
    fn after(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.reserve(FIELDS_EXPECTED.saturating_sub(headers.len()));
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::X_FRAME_OPTIONS, "DENY");
        set(header::REFERRER_POLICY, "no-referrer");
        set(PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=()");
        if self.hsts {
            set(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
        }
        // A handler knows better than this layer what its page needs and how long its answer lives.
        let mut default = |name, value| {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        };
        default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
        default(header::CACHE_CONTROL, "no-store");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn an_answer_gets_them_and_keeps_its_own_policy_and_caching() {
        let mut plain = Response::new(Body::empty());
        SecurityHeaders { hsts: false }.after(&mut plain);
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(plain.headers()[header::X_FRAME_OPTIONS], "DENY");
        assert!(!plain.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));

        let mut page = Response::new(Body::empty());
        page.headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        SecurityHeaders { hsts: true }.after(&mut page);
        assert_eq!(page.headers()[header::CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert!(page.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
