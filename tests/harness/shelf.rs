//! Documents to be fetched: a server of fixed answers on a free loopback port that records what it is asked, and
//! misbehaves when a script says so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::loopback::Loopback;

/// A misbehaviour of a server that is asked for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, without a document.
    Status(u16),
    /// No answer, ever.
    Hang,
    /// The document after this wait.
    Delay(Duration),
    /// 200 with something else.
    Garbage,
    /// 302 to this place.
    Redirect(String),
    /// 200 with so many bytes.
    Huge(usize),
}

/// What a request asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// `Authorization`, or nothing.
    pub(crate) authorization: String,
}

/// A running server of documents; it ends when it is dropped.
pub(crate) struct Shelf {
    server: Loopback,
    state: Arc<Mutex<Stock>>,
}

#[derive(Default)]
struct Stock {
    documents: BTreeMap<String, (&'static str, String)>,
    /// The one `Authorization` that is accepted; none: all are, and none is needed.
    accepted: Option<String>,
    faults: VecDeque<Fault>,
    always: Option<Fault>,
    asked: Vec<Asked>,
}

impl Shelf {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(Stock::default()));
        let served = Arc::clone(&state);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(answer).with_state(served)).await
        });
        Self { server, state }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub(crate) fn put(&self, path: &str, content_type: &'static str, document: &str) {
        self.stock().documents.insert(path.to_owned(), (content_type, document.to_owned()));
    }

    pub(crate) fn remove(&self, path: &str) {
        self.stock().documents.remove(path);
    }

    pub(crate) fn accept(&self, authorization: &str) {
        self.stock().accepted = Some(authorization.to_owned());
    }

    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.stock().faults.extend(faults);
    }

    pub(crate) fn always(&self, fault: Option<Fault>) {
        self.stock().always = fault;
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.stock().asked.clone()
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        lock(&self.state)
    }
}

async fn answer(State(state): State<Arc<Mutex<Stock>>>, request: Request) -> Response {
    let fault = record(&mut lock(&state), request.uri(), request.headers());
    match fault {
        Some(Fault::Status(status)) => StatusCode::from_u16(status).expect("a status").into_response(),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Garbage) => "<html>welcome</html>".into_response(),
        Some(Fault::Redirect(place)) => (StatusCode::FOUND, [(LOCATION, place)]).into_response(),
        Some(Fault::Huge(bytes)) => Body::from(vec![b' '; bytes]).into_response(),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            document(&lock(&state), request.uri().path(), request.headers())
        }
        None => document(&lock(&state), request.uri().path(), request.headers()),
    }
}

fn record(stock: &mut Stock, uri: &Uri, headers: &HeaderMap) -> Option<Fault> {
    stock.asked.push(Asked {
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        authorization: authorization(headers).to_owned(),
    });
    stock.faults.pop_front().or_else(|| stock.always.clone())
}

fn document(stock: &Stock, path: &str, headers: &HeaderMap) -> Response {
    if stock.accepted.as_ref().is_some_and(|accepted| accepted != authorization(headers)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match stock.documents.get(path) {
        Some((content_type, text)) => ([(CONTENT_TYPE, *content_type)], text.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn lock(state: &Mutex<Stock>) -> MutexGuard<'_, Stock> {
    state.lock().expect("no test panics with the shelf in hand")
}
