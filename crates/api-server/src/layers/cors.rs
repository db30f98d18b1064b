//! Allows pages of configured origins, and no others, to read responses.
//!
//! A preflight needs no API key and counts against limits like every request. Its response is made from the router's own `405`,
//! which lists the methods of the path.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::hook::{RequestHook, ResponseHook};
use super::limit_policy::RATE_LIMIT_HEADERS;
use crate::problem::Problem;

/// Request headers that a page may set.
const ALLOWED_HEADERS: &str =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-API-Key, X-Request-Id";
/// How long a browser may cache the response to a preflight, in seconds.
const MAX_AGE_S: &str = "600";

#[derive(Clone, Debug)]
pub(crate) struct Cors {
    origins: Arc<[HeaderValue]>,
    exposed: HeaderValue,
}

#[derive(Debug)]
pub(crate) struct CorsRequest {
    cors: Cors,
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Cors {
    /// Origins as browsers send them; usually none.
    pub(crate) fn new(origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        let exposed = format!("{RATE_LIMIT_HEADERS}, Data-As-Of, ETag, Retry-After, X-Request-Id");
        let exposed = HeaderValue::try_from(exposed).expect("header names and commas are a header value");
        Self { origins: origins.into_iter().collect(), exposed }
    }
}

impl RequestHook for Cors {
    type ResponseHook = Option<CorsRequest>;

    fn on_request(&self, request: &mut Request) -> Result<Option<CorsRequest>, Problem> {
        if self.origins.is_empty() {
            return Ok(None);
        }
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN).filter(|origin| self.origins.contains(origin)).cloned();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Ok(Some(CorsRequest { cors: self.clone(), origin, is_preflight }))
    }
}

impl ResponseHook for Option<CorsRequest> {
    fn on_response(self, response: &mut Response) {
        let Some(CorsRequest { cors, origin, is_preflight }) = self else { return };
        // Caches must not serve one origin's response to another.
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return };
        if is_preflight && response.status() == StatusCode::METHOD_NOT_ALLOWED {
            grant_preflight(response);
        }
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, cors.exposed);
    }
}

/// Turns the router's refusal of `OPTIONS` into the response to a preflight.
fn grant_preflight(response: &mut Response) {
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

    fn respond(method: &str, origin: &str, mut response: Response) -> Response {
        let request = http::Request::builder().method(method).header("origin", origin);
        let request = request.header("access-control-request-method", "GET").body(Body::empty());
        let cors = Cors::new([HeaderValue::from_static(OURS)]);
        cors.on_request(&mut request.unwrap()).unwrap().on_response(&mut response);
        response
    }

    fn refusal() -> Response {
        (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response()
    }

    #[test]
    fn a_preflight_of_our_page_is_granted_the_methods_of_the_path() {
        let response = respond("OPTIONS", OURS, refusal());
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-methods"], "GET,HEAD");
        assert_eq!(response.headers()["access-control-allow-origin"], OURS);
        assert!(response.headers()["access-control-allow-headers"].to_str().unwrap().contains("X-API-Key"));
    }

    #[test]
    fn another_page_gets_no_permission() {
        for origin in ["https://app.example.com.evil.net", "null", "*", "http://app.example.com"] {
            let response = respond("OPTIONS", origin, refusal());
            assert_eq!(response.status(), 405, "{origin}");
            assert!(!response.headers().contains_key("access-control-allow-origin"), "{origin}");
            assert_eq!(response.headers()["vary"], "Origin");
        }
    }

    #[test]
    fn a_response_may_be_read_and_a_rate_limited_preflight_stays_refused() {
        assert_eq!(respond("GET", OURS, Response::default()).headers()["access-control-allow-origin"], OURS);
        let limited = respond("OPTIONS", OURS, StatusCode::TOO_MANY_REQUESTS.into_response());
        assert_eq!(limited.status(), 429);
        assert_eq!(limited.headers()["access-control-allow-origin"], OURS);
    }
}
