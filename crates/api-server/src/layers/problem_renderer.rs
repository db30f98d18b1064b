//! Writes the body of every error response, because only this layer has the path and the request id.
//!
//! A [`Problem`] comes in the extensions of the response. An error of the framework has only a status, and gets the kind of
//! that status. A response marked [`CompleteBody`] stays as it is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use telemetry::RequestId;

use super::hook::{RequestHook, ResponseHook};
use crate::problem::{Kind, MEDIA_TYPE, Problem};
use crate::redaction::Redaction;
use crate::request_context::RequestContext;

/// Bytes that are enough for nearly every body.
const BODY_BYTES_USUAL: usize = 512;

#[derive(Clone, Debug)]
pub(crate) struct ProblemRenderer {
    pub(crate) redaction: Redaction,
}

/// An extension of error responses whose body is complete without a problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompleteBody;

#[derive(Debug)]
pub(crate) struct RenderProblem {
    context: Arc<RequestContext>,
    redaction: Redaction,
}

impl RequestHook for ProblemRenderer {
    type ResponseHook = RenderProblem;

    fn on_request(&self, request: &mut Request) -> Result<RenderProblem, Problem> {
        let context = Arc::clone(RequestContext::get(request.extensions())?);
        Ok(RenderProblem { context, redaction: self.redaction.clone() })
    }
}

impl ResponseHook for RenderProblem {
    fn on_response(self, response: &mut Response) {
        let status = response.status();
        let is_error = status.is_client_error() || status.is_server_error();
        if !is_error || response.extensions().get::<CompleteBody>().is_some() {
            return;
        }
        let mut of_status = None;
        let problem = match response.extensions_mut().get_mut::<Problem>() {
            Some(problem) => problem,
            None => of_status.insert(from_status(status)),
        };
        let Self { context, redaction } = &self;
        problem.redact(redaction);
        log_cause(problem);
        let request_id = context.id.get().map_or("", RequestId::as_str);
        let instance = redaction.text(context.uri.path());
        let document = problem.document(&instance, request_id);
        let mut body = Vec::with_capacity(BODY_BYTES_USUAL);
        // Writing into memory cannot fail, and every member has a JSON form.
        let _infallible = json_writer::write(&mut body, &document);
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    }
}

/// Logs the cause of a server error, which is not in the access log or the response.
fn log_cause(problem: &Problem) {
    let Some(cause) = &problem.cause else { return };
    let code = problem.kind.code();
    match problem.kind.status() {
        // Expected while a dependency is down.
        StatusCode::SERVICE_UNAVAILABLE => {
            tracing::warn!(code, cause, "request failed: dependency unavailable");
        }
        status if status.is_server_error() => tracing::error!(code, cause, "request failed"),
        _ => {}
    }
}

/// The problem of a response that has only a status, from the framework.
fn from_status(status: StatusCode) -> Problem {
    let kind = Kind::from_status(status).unwrap_or(Kind::Internal);
    let detail = match kind {
        Kind::NotFound => "no resource at this path",
        Kind::MethodNotAllowed => "this path does not support the method; see the Allow header",
        Kind::UnsupportedMediaType => "the body must be application/json",
        Kind::PayloadTooLarge => "the body is too large",
        Kind::Internal => "internal error",
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
        RequestContext::attach_from(&mut request, "192.0.2.1");
        RequestContext::get(request.extensions())
            .unwrap()
            .id
            .set(RequestId::parse(b"request-1").unwrap())
            .unwrap();
        ProblemRenderer { redaction: Redaction::default() }
            .on_request(&mut request)
            .unwrap()
            .on_response(&mut response);
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
    fn a_complete_body_is_not_replaced() {
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"unhealthy\"}").into_response();
        response.extensions_mut().insert(CompleteBody);
        let (_, json) = rendered(response);
        assert_eq!(json["status"], "unhealthy");
    }

    #[test]
    fn a_success_is_not_changed() {
        let (response, _) = rendered("fine".into_response());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    }
}
