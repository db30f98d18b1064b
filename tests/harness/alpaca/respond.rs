//! Turns a request into a response, and a response into a stream of frames.

mod connection;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{self, Request};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::feed::Feed;
use super::script::{Behaviour, Script};
use super::state::State;

pub(super) async fn respond(extract::State(state): extract::State<Arc<State>>, request: Request) -> Response {
    let Some(feed) = Feed::from_path(request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(since) = since(feed, request.uri().query().unwrap_or_default()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let behaviour = state.record(feed, since.clone());
    if !state.accepts(header(request.headers(), AUTHORIZATION.as_str())) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if header(request.headers(), ACCEPT.as_str()) != "text/event-stream" {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    match behaviour {
        Behaviour::Stream(script) => stream(state, feed, since, script),
        Behaviour::Status { status, retry_after_s } => error(status, retry_after_s),
        Behaviour::Redirect(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Behaviour::Html => Html("<html>welcome</html>").into_response(),
        Behaviour::Hang => std::future::pending().await,
    }
}

/// The only query parameter that is accepted: the id from which the feed resumes.
fn since(feed: Feed, query: &str) -> Result<Option<String>, ()> {
    let mut pairs = query.split('&').filter(|pair| !pair.is_empty());
    let Some(pair) = pairs.next() else { return Ok(None) };
    let (name, value) = pair.split_once('=').ok_or(())?;
    let is_ulid = value.len() == 26 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_accepted = name == feed.parameter() && is_ulid && pairs.next().is_none();
    if is_accepted { Ok(Some(value.to_owned())) } else { Err(()) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn error(status: u16, retry_after_s: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).expect("a script names a status");
    let mut response = (status, r#"{"message":"request forbidden"}"#).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn stream(state: Arc<State>, feed: Feed, since: Option<String>, script: Script) -> Response {
    let frames = connection::start(state, feed, since, script);
    ([(CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::new(frames)).into_response()
}
