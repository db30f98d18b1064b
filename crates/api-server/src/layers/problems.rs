//! Writes the body of every error answer, because only here the path and the request id are at hand.
//!
//! A [`Problem`] comes in the answer's extensions; an error that the framework made itself has a status alone and gets
//! the kind of that status. An answer that is [`Whole`] stays as it is.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::exchange::Exchange;
use super::request_id::RequestId;
use super::step::{After, Step};
use crate::problem::{Kind, MEDIA_TYPE, Problem};

/// Bytes that nearly every body fits in.
const BODY_BYTES_USUAL: usize = 512;

/// The layer.
#[derive(Clone, Copy, Debug)]
pub struct Problems;

/// Put into the extensions of an answer with the status of an error whose body says more than a problem could.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

/// What a problem says of its request.
#[derive(Debug)]
pub struct Occurrence(Exchange);

impl Step for Problems {
    type After = Occurrence;

    fn before(&self, request: &mut Request) -> Result<Occurrence, Problem> {
        Ok(Occurrence(Exchange::of(request)?.clone()))
    }
}

impl After for Occurrence {
    fn after(self, response: &mut Response) {
        let status = response.status();
        let is_error = status.is_client_error() || status.is_server_error();
        if !is_error || response.extensions().get::<Whole>().is_some() {
            return;
        }
        let problem = match response.extensions().get::<Problem>() {
            Some(problem) => problem,
            None => &bare(status),
        };
        log_cause(problem);
        let Self(exchange) = &self;
        let request_id = exchange.id().map_or("", RequestId::as_str);
        let document = problem.document(exchange.uri().path(), request_id);
        let mut body = Vec::with_capacity(BODY_BYTES_USUAL);
        // Writing into memory cannot fail, and every member serialises.
        let _written = analysis::json::write(&mut body, &document);
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    }
}

/// Says once what led to a failure of ours; the access log says only that there was one, and the client reads neither.
fn log_cause(problem: &Problem) {
    let Some(cause) = problem.cause() else { return };
    let code = problem.kind().code();
    match problem.kind().status() {
        // What we depend on is away for a time: nobody has to act on one of these.
        StatusCode::SERVICE_UNAVAILABLE => tracing::warn!(code, cause, "a request could not be served"),
        status if status.is_server_error() => tracing::error!(code, cause, "a request failed"),
        _ => {}
    }
}

/// The problem of an answer that has nothing but a status. Its body is replaced: it was not written for clients of ours.
fn bare(status: StatusCode) -> Problem {
    let kind = Kind::of_status(status).unwrap_or(Kind::Internal);
    let detail = match kind {
        Kind::NotFound => "there is nothing at this path",
        Kind::MethodNotAllowed => "this path does not serve this method; Allow says which it serves",
        Kind::UnsupportedMediaType => "the body must be application/json",
        Kind::PayloadTooLarge => "the body is too large",
        Kind::Internal => "the service made a mistake",
        _ => kind.title(),
    };
    Problem::new(kind, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    fn rendered(mut response: Response) -> (Response, serde_json::Value) {
        let mut request = http::Request::get("/a?secret").body(Body::empty()).unwrap();
        Exchange::begin_from(&mut request, "192.0.2.1");
        Exchange::of(&request).unwrap().set_id(RequestId::parse(b"request-1").unwrap());
        Problems.before(&mut request).unwrap().after(&mut response);
        let (parts, body) = response.into_parts();
        let bytes = wait_for(axum::body::to_bytes(body, 10_000));
        (Response::from_parts(parts, Body::empty()), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    fn wait_for<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future).unwrap()
    }

    #[test]
    fn a_problem_is_written_with_its_path_and_request_id_and_without_the_query() {
        let (response, json) = rendered(Problem::new(Kind::Timeout, "too slow").into_response());
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(json["instance"], "/a");
        assert_eq!(json["request_id"], "request-1");
        assert_eq!(json["detail"], "too slow");
        assert_eq!(json["status"], 408);
    }

    #[test]
    fn a_bare_status_becomes_a_problem_and_keeps_its_headers() {
        let allow = [(header::ALLOW, "GET,HEAD")];
        let (response, json) =
            rendered((StatusCode::METHOD_NOT_ALLOWED, allow, "plain text").into_response());
        assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(json["status"], 405);
    }

    #[test]
    fn an_answer_that_says_more_than_a_problem_is_left_alone() {
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"unhealthy\"}").into_response();
        response.extensions_mut().insert(Whole);
        let (_, json) = rendered(response);
        assert_eq!(json["status"], "unhealthy");
    }

    #[test]
    fn a_success_is_left_alone() {
        let (response, _) = rendered("fine".into_response());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    }
}
