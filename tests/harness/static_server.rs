//! A server of fixed documents that records its requests and commits faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{self, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::loopback::Loopback;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, without a document.
    Status(u16),
    /// No response, ever.
    Hang,
    /// The document after this wait.
    Delay(Duration),
    /// 200 with something else.
    Garbage,
    /// 302 to this location.
    Redirect(String),
    /// 200 with a body of so many bytes.
    Huge(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedRequest {
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// The header, or an empty text.
    pub(crate) authorization: String,
}

pub(crate) struct StaticServer {
    server: Loopback,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    documents: BTreeMap<String, (&'static str, String)>,
    /// The only `Authorization` that is accepted; `None` accepts any request.
    accepted_authorization: Option<String>,
    faults: VecDeque<Fault>,
    always: Option<Fault>,
    requests: Vec<RecordedRequest>,
}

impl StaticServer {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let served = Arc::clone(&state);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(respond).with_state(served)).await
        });
        Self { server, state }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub(crate) fn put(&self, path: &str, content_type: &'static str, document: &str) {
        self.state().documents.insert(path.to_owned(), (content_type, document.to_owned()));
    }

    pub(crate) fn accept(&self, authorization: &str) {
        self.state().accepted_authorization = Some(authorization.to_owned());
    }

    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    pub(crate) fn always(&self, fault: Option<Fault>) {
        self.state().always = fault;
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

async fn respond(extract::State(state): extract::State<Arc<Mutex<State>>>, request: Request) -> Response {
    let fault = record(&mut lock(&state), request.uri(), request.headers());
    match fault {
        Some(Fault::Status(status)) => StatusCode::from_u16(status).expect("a status").into_response(),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Garbage) => "<html>welcome</html>".into_response(),
        Some(Fault::Redirect(location)) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Some(Fault::Huge(bytes)) => Body::from(vec![b' '; bytes]).into_response(),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            document(&lock(&state), request.uri().path(), request.headers())
        }
        None => document(&lock(&state), request.uri().path(), request.headers()),
    }
}

fn record(state: &mut State, uri: &Uri, headers: &HeaderMap) -> Option<Fault> {
    state.requests.push(RecordedRequest {
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        authorization: authorization(headers).to_owned(),
    });
    state.faults.pop_front().or_else(|| state.always.clone())
}

fn document(state: &State, path: &str, headers: &HeaderMap) -> Response {
    if state.accepted_authorization.as_ref().is_some_and(|accepted| accepted != authorization(headers)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match state.documents.get(path) {
        Some((content_type, text)) => ([(CONTENT_TYPE, *content_type)], text.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no thread panics while it holds the lock")
}
