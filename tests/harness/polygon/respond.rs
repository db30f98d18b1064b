//! Turns a request and the scripted behaviour into a response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER};
use axum::http::{StatusCode, request};
use axum::response::{IntoResponse, Response};
use domain::Date;
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};

use super::documents;
use super::script::{Behaviour, Head, Route, Script};

const FRAME_BYTES: u64 = 64 * 1024;

pub(super) async fn respond(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let request = ParsedRequest::parse(&parts);
    let head = Head { method: parts.method.clone(), uri: parts.uri.clone(), headers: parts.headers.clone() };
    let (delay, behaviour) = script.record(request.route, head);
    tokio::time::sleep(delay).await;
    if let Behaviour::Stall(wait) = behaviour {
        tokio::time::sleep(wait).await;
    }
    if !script.accepts(&request.key) || request.key.is_empty() {
        return error(401, &request);
    }
    let knows = request.ticker.as_deref().is_none_or(|ticker| script.knows(ticker));
    undocumented_response(&behaviour, &request)
        .unwrap_or_else(|| documented_response(&request, &behaviour, knows))
}

struct ParsedRequest {
    route: Route,
    ticker: Option<String>,
    key: String,
    from: Option<Date>,
    to: Option<Date>,
    own_url: String,
    is_second_page: bool,
}

impl ParsedRequest {
    fn parse(parts: &request::Parts) -> Self {
        let path = parts.uri.path();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let query = parts.uri.query().unwrap_or_default();
        let query_ticker = query.split('&').find_map(|pair| pair.strip_prefix("ticker="));
        let (route, ticker) = documents::route(&segments, query_ticker);
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let date = |at: usize| segments.get(at).and_then(|text| text.parse().ok());
        Self {
            route,
            ticker: ticker.map(str::to_owned),
            key: header(AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default().to_owned(),
            from: date(7),
            to: date(8),
            own_url: format!("http://{}{path}", header(HOST)),
            is_second_page: query.contains("cursor=second"),
        }
    }
}

fn undocumented_response(behaviour: &Behaviour, request: &ParsedRequest) -> Option<Response> {
    match behaviour {
        Behaviour::Status(status) => Some(error(*status, request)),
        Behaviour::Limited { retry_after_s } => {
            let mut response = error(429, request);
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(RETRY_AFTER, (*seconds).into());
            }
            Some(response)
        }
        Behaviour::Garbage => Some(format!("<html>{}</html>", request.key).into_response()),
        Behaviour::Redirect(location) => {
            Some((StatusCode::FOUND, [(LOCATION, location.clone())]).into_response())
        }
        Behaviour::Huge { size_bytes, is_announced } => {
            Some(Body::new(Huge { left_bytes: *size_bytes, is_announced: *is_announced }).into_response())
        }
        _ => None,
    }
}

/// The vendor's error body. It quotes the API key, which must then not reach a log of the server.
fn error(status: u16, request: &ParsedRequest) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = format!("Unknown API Key {}", request.key);
    let body = json!({ "status": "ERROR", "request_id": "r1", "error": text }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn documented_response(request: &ParsedRequest, behaviour: &Behaviour, knows: bool) -> Response {
    let body = match request.route {
        Route::Bars => bars(request, behaviour, knows),
        Route::MarketStatus => json!({ "market": "open" }),
        Route::Other => return error(404, request),
        Route::Details if !knows => return error(404, request),
        Route::Details | Route::Financials | Route::News => results(request, behaviour, knows),
    };
    let mut text = body.to_string();
    if *behaviour == Behaviour::Truncated {
        text.truncate(text.len() / 2);
    }
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

fn ticker(request: &ParsedRequest) -> &str {
    request.ticker.as_deref().unwrap_or_default()
}

fn results(request: &ParsedRequest, behaviour: &Behaviour, knows: bool) -> Value {
    let results = match (request.route, behaviour) {
        (_, Behaviour::MissingResults) => return json!({ "status": "OK", "request_id": "r1" }),
        (_, Behaviour::EmptyResults) => json!([]),
        (Route::Details, _) => documents::details(ticker(request)),
        (_, _) if !knows => json!([]),
        (Route::Financials, _) => documents::financials(ticker(request)),
        (_, _) => documents::news(ticker(request)),
    };
    json!({ "status": "OK", "request_id": "r1", "results": results })
}

fn bars(request: &ParsedRequest, behaviour: &Behaviour, knows: bool) -> Value {
    let mut body = json!({ "ticker": ticker(request), "adjusted": true, "status": "OK", "request_id": "r1" });
    if *behaviour == Behaviour::OtherTicker {
        body["ticker"] = json!("OTHER");
    }
    let (Some(from), Some(to), true) = (request.from, request.to, knows) else {
        body["resultsCount"] = json!(0);
        return body;
    };
    if *behaviour == Behaviour::MissingResults {
        return body;
    }
    let bars = documents::bars(ticker(request), from, to);
    let (bars, next_url) =
        documents::apply_behaviour(bars, behaviour, &request.own_url, request.is_second_page);
    body["resultsCount"] = json!(bars.len());
    body["results"] = Value::Array(bars);
    if let Some(next_url) = next_url {
        body["next_url"] = json!(next_url);
    }
    body
}

/// A body of spaces, too long to be buffered.
struct Huge {
    left_bytes: u64,
    is_announced: bool,
}

impl http_body::Body for Huge {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let size = self.left_bytes.min(FRAME_BYTES);
        self.left_bytes -= size;
        let frame = Bytes::from(vec![b' '; usize::try_from(size).unwrap_or_default()]);
        Poll::Ready((size > 0).then(|| Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_announced { SizeHint::with_exact(self.left_bytes) } else { SizeHint::default() }
    }
}
