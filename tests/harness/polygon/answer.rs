//! Turns a request and the script's behaviour into a response.

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

use super::script::{Behaviour, Head, Route, Script};
use super::shape;

/// Bytes of one frame of a huge body.
const FRAME_BYTES: u64 = 64 * 1024;

pub(super) async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asked = Asked::of(&parts);
    let head = Head { method: parts.method.clone(), uri: parts.uri.clone(), headers: parts.headers.clone() };
    let (delay, behaviour) = script.record(asked.route, head);
    tokio::time::sleep(delay).await;
    if let Behaviour::Stall(wait) = behaviour {
        tokio::time::sleep(wait).await;
    }
    if !script.accepts(&asked.key) || asked.key.is_empty() {
        return error(401, &asked);
    }
    let knows = asked.ticker.as_deref().is_none_or(|ticker| script.knows(ticker));
    misbehave(&behaviour, &asked).unwrap_or_else(|| documented(&asked, &behaviour, knows))
}

/// What a request asks for.
struct Asked {
    route: Route,
    ticker: Option<String>,
    key: String,
    from: Option<Date>,
    to: Option<Date>,
    own_url: String,
    is_second_page: bool,
}

impl Asked {
    fn of(parts: &request::Parts) -> Self {
        let path = parts.uri.path();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let query = parts.uri.query().unwrap_or_default();
        let query_ticker = query.split('&').find_map(|pair| pair.strip_prefix("ticker="));
        let (route, ticker) = shape::route(&segments, query_ticker);
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

/// Answers that look nothing like the documented one.
fn misbehave(behaviour: &Behaviour, asked: &Asked) -> Option<Response> {
    match behaviour {
        Behaviour::Status(status) => Some(error(*status, asked)),
        Behaviour::Limited { retry_after_s } => {
            let mut response = error(429, asked);
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(RETRY_AFTER, (*seconds).into());
            }
            Some(response)
        }
        Behaviour::Garbage => Some(format!("<html>{}</html>", asked.key).into_response()),
        Behaviour::Redirect(place) => Some((StatusCode::FOUND, [(LOCATION, place.clone())]).into_response()),
        Behaviour::Huge { size_bytes, is_announced } => {
            Some(Body::new(Huge { left_bytes: *size_bytes, is_announced: *is_announced }).into_response())
        }
        _ => None,
    }
}

/// The vendor's error body. That it quotes the key is the worst that a vendor could do to us.
fn error(status: u16, asked: &Asked) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = format!("Unknown API Key {}", asked.key);
    let body = json!({ "status": "ERROR", "request_id": "r1", "error": text }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn documented(asked: &Asked, behaviour: &Behaviour, knows: bool) -> Response {
    let body = match asked.route {
        Route::Bars => bars(asked, behaviour, knows),
        Route::MarketStatus => json!({ "market": "open" }),
        Route::Other => return error(404, asked),
        Route::Details | Route::Snapshot if !knows => return error(404, asked),
        Route::Snapshot => json!({ "status": "OK", "ticker": shape::snapshot(ticker(asked)) }),
        Route::Details | Route::Financials | Route::News => results(asked, behaviour, knows),
    };
    let mut text = body.to_string();
    if *behaviour == Behaviour::Truncated {
        text.truncate(text.len() / 2);
    }
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

fn ticker(asked: &Asked) -> &str {
    asked.ticker.as_deref().unwrap_or_default()
}

fn results(asked: &Asked, behaviour: &Behaviour, knows: bool) -> Value {
    let results = match (asked.route, behaviour) {
        (_, Behaviour::MissingResults) => return json!({ "status": "OK", "request_id": "r1" }),
        (_, Behaviour::EmptyResults) => json!([]),
        (Route::Details, _) => shape::details(ticker(asked)),
        (_, _) if !knows => json!([]),
        (Route::Financials, _) => shape::financials(ticker(asked)),
        (_, _) => shape::news(ticker(asked)),
    };
    json!({ "status": "OK", "request_id": "r1", "results": results })
}

fn bars(asked: &Asked, behaviour: &Behaviour, knows: bool) -> Value {
    let mut body = json!({ "ticker": ticker(asked), "adjusted": true, "status": "OK", "request_id": "r1" });
    if *behaviour == Behaviour::OtherTicker {
        body["ticker"] = json!("OTHER");
    }
    let (Some(from), Some(to), true) = (asked.from, asked.to, knows) else {
        body["resultsCount"] = json!(0);
        return body;
    };
    if *behaviour == Behaviour::MissingResults {
        return body;
    }
    let bars = shape::bars(ticker(asked), from, to);
    let (bars, next_url) = shape::bent(bars, behaviour, &asked.own_url, asked.is_second_page);
    body["resultsCount"] = json!(bars.len());
    body["results"] = Value::Array(bars);
    if let Some(next_url) = next_url {
        body["next_url"] = json!(next_url);
    }
    body
}

/// Spaces without end, nearly: an answer that a careless reader would keep whole.
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
