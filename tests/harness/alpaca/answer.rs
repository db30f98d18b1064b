//! Turns a request into an answer, and an answer into a stream of frames.

mod line;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::feed::Feed;
use super::play::{Behaviour, Play};
use super::world::World;

pub(super) async fn answer(State(world): State<Arc<World>>, request: Request) -> Response {
    let Some(feed) = Feed::at(request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(since) = since(feed, request.uri().query().unwrap_or_default()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let behaviour = world.record(feed, since.clone());
    if !world.accepts(header(request.headers(), AUTHORIZATION.as_str())) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if header(request.headers(), ACCEPT.as_str()) != "text/event-stream" {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    match behaviour {
        Behaviour::Play(play) => stream(world, feed, since, play),
        Behaviour::Status { status, retry_after_s } => refusal(status, retry_after_s),
        Behaviour::Redirect(place) => (StatusCode::FOUND, [(LOCATION, place)]).into_response(),
        Behaviour::Html => Html("<html>welcome</html>").into_response(),
        Behaviour::Hang => std::future::pending().await,
    }
}

/// The one parameter that the feed may be resumed by.
fn since(feed: Feed, query: &str) -> Result<Option<String>, ()> {
    let mut pairs = query.split('&').filter(|pair| !pair.is_empty());
    let Some(pair) = pairs.next() else { return Ok(None) };
    let (name, value) = pair.split_once('=').ok_or(())?;
    let is_ulid = value.len() == 26 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_taken = name == feed.parameter() && is_ulid && pairs.next().is_none();
    if is_taken { Ok(Some(value.to_owned())) } else { Err(()) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// That it quotes what it was asked is the worst that a broker could do to us.
fn refusal(status: u16, retry_after_s: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).expect("a script names a status");
    let mut response = (status, r#"{"message":"request forbidden"}"#).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn stream(world: Arc<World>, feed: Feed, since: Option<String>, play: Play) -> Response {
    let frames = line::start(world, feed, since, play);
    ([(CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::new(frames)).into_response()
}
