//! Lets the pages of configured origins read answers; every other page is told nothing.
//!
//! A preflight carries no key and needs none. It passes the limits like every request and is answered from the
//! router's own `405` with the methods that the path serves.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::rate_limit::RATE_LIMIT_HEADERS;
use super::step::{After, Step};
use crate::problem::Problem;

/// Request headers that a page may set.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, If-None-Match, X-API-Key, X-Request-Id";
/// How long a browser may keep a preflight's answer, in seconds.
const MAX_AGE_S: &str = "600";

/// The layer.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Arc<[HeaderValue]>,
    exposed: HeaderValue,
}

/// What was asked, until the answer comes.
#[derive(Debug)]
pub struct Asked {
    cors: Cors,
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Cors {
    /// These origins, exactly as browsers send them; none is the usual case.
    #[must_use]
    pub fn new(origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        let exposed = format!("{RATE_LIMIT_HEADERS}, ETag, Retry-After, X-Request-Id");
        let exposed = HeaderValue::try_from(exposed).expect("header names and commas are a header value");
        Self { origins: origins.into_iter().collect(), exposed }
    }
}

impl Step for Cors {
    type After = Option<Asked>;

    fn before(&self, request: &mut Request) -> Result<Option<Asked>, Problem> {
        if self.origins.is_empty() {
            return Ok(None);
        }
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN).filter(|origin| self.origins.contains(origin)).cloned();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Ok(Some(Asked { cors: self.clone(), origin, is_preflight }))
    }
}

impl After for Option<Asked> {
    fn after(self, response: &mut Response) {
        let Some(Asked { cors, origin, is_preflight }) = self else { return };
        // Caches must not give one origin's answer to another.
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return };
        if is_preflight && response.status() == StatusCode::METHOD_NOT_ALLOWED {
            permit(response);
        }
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, cors.exposed);
    }
}

/// Makes the router's refusal of `OPTIONS` the answer to a preflight.
fn permit(response: &mut Response) {
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.body_mut() = Body::empty();
    response.extensions_mut().remove::<Problem>();
    let headers: &mut HeaderMap = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    if let Some(methods) = headers.remove(header::ALLOW) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_S));
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    const OURS: &str = "https://app.example.com";

    fn answer(method: &str, origin: &str, mut response: Response) -> Response {
        let request = http::Request::builder().method(method).header("origin", origin);
        let request = request.header("access-control-request-method", "GET").body(Body::empty());
        let cors = Cors::new([HeaderValue::from_static(OURS)]);
        cors.before(&mut request.unwrap()).unwrap().after(&mut response);
        response
    }

    fn refusal() -> Response {
        (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response()
    }

    #[test]
    fn a_preflight_of_our_page_is_granted_the_methods_of_the_path() {
        let response = answer("OPTIONS", OURS, refusal());
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-methods"], "GET,HEAD");
        assert_eq!(response.headers()["access-control-allow-origin"], OURS);
        assert!(response.headers()["access-control-allow-headers"].to_str().unwrap().contains("X-API-Key"));
    }

    #[test]
    fn another_page_is_told_nothing() {
        for origin in ["https://app.example.com.evil.net", "null", "*", "http://app.example.com"] {
            let response = answer("OPTIONS", origin, refusal());
            assert_eq!(response.status(), 405, "{origin}");
            assert!(!response.headers().contains_key("access-control-allow-origin"), "{origin}");
            assert_eq!(response.headers()["vary"], "Origin");
        }
    }

    #[test]
    fn an_answer_may_be_read_and_a_limited_preflight_stays_limited() {
        assert_eq!(answer("GET", OURS, Response::default()).headers()["access-control-allow-origin"], OURS);
        let limited = answer("OPTIONS", OURS, StatusCode::TOO_MANY_REQUESTS.into_response());
        assert_eq!(limited.status(), 429);
        assert_eq!(limited.headers()["access-control-allow-origin"], OURS);
    }
}
