//! A fake of the lists that providers page: Alpaca's activities, transfers and positions, and the lists of Bridge and Circle.
//!
//! It serves the rows of a path in the order in which they were put, in pages of the size that is asked for, and wraps them as
//! the provider of the path does. A path that has no rows is 404.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::loopback::Loopback;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status; of a 429, with `Retry-After: 0`.
    Status(u16),
    /// The first half of the page.
    Truncated,
    /// The page, and before it the last row of the page before.
    RepeatedRow,
    /// The first page again.
    RepeatedPage,
}

pub struct FakeStatements {
    server: Loopback,
    state: Arc<Mutex<Lists>>,
}

#[derive(Default)]
struct Lists {
    rows: BTreeMap<String, Vec<Value>>,
    documents: BTreeMap<String, Value>,
    /// The only value of the header with the key.
    key: (&'static str, String),
    faults: VecDeque<Fault>,
    requests: Vec<String>,
}

impl FakeStatements {
    /// A fake that accepts this value of this header.
    pub fn start(header: &'static str, value: &str) -> Self {
        let state = Arc::new(Mutex::new(Lists { key: (header, value.to_owned()), ..Lists::default() }));
        let served = Arc::clone(&state);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(respond).with_state(served)).await
        });
        Self { server, state }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Replaces the rows of a path.
    pub fn put(&self, path: &str, rows: Vec<Value>) {
        self.lists().rows.insert(path.to_owned(), rows);
    }

    /// Serves a document as it is.
    pub fn put_document(&self, path: &str, document: Value) {
        self.lists().documents.insert(path.to_owned(), document);
    }

    /// Applies to the next requests, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lists().faults.extend(faults);
    }

    /// Paths and queries so far.
    pub fn requests(&self) -> Vec<String> {
        self.lists().requests.clone()
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.state.lock().expect("no request panicked")
    }
}

async fn respond(
    State(state): State<Arc<Mutex<Lists>>>,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    _: Request,
) -> Response {
    let mut lists = state.lock().expect("no request panicked");
    lists.requests.push(uri.to_string());
    if headers.get(lists.key.0).and_then(|value| value.to_str().ok()) != Some(&lists.key.1) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let fault = lists.faults.pop_front();
    if let Some(Fault::Status(status)) = fault {
        let mut response = StatusCode::from_u16(status).expect("a status").into_response();
        response.headers_mut().insert(RETRY_AFTER, 0.into());
        return response;
    }
    if let Some(document) = lists.documents.get(uri.path()) {
        return document.to_string().into_response();
    }
    let Some(rows) = lists.rows.get(uri.path()) else { return StatusCode::NOT_FOUND.into_response() };
    let page = wrap(uri.path(), page(rows, &query, fault)).to_string();
    match fault {
        Some(Fault::Truncated) => page.as_bytes()[..page.len() / 2].to_vec().into_response(),
        _ => page.into_response(),
    }
}

fn page(rows: &[Value], query: &BTreeMap<String, String>, fault: Option<Fault>) -> Vec<Value> {
    let named = |names: &[&str]| names.iter().find_map(|name| query.get(*name));
    let size: usize =
        named(&["page_size", "pageSize", "limit"]).map_or(10, |size| size.parse().expect("a size"));
    let rows: Vec<&Value> = rows.iter().filter(|row| is_within(row, query)).collect();
    let after = named(&["page_token", "starting_after", "pageAfter"]);
    let start = match (after, query.get("offset")) {
        (Some(id), _) => rows.iter().position(|row| row["id"] == **id).expect("a known id") + 1,
        (None, Some(offset)) => offset.parse().expect("an offset"),
        (None, None) => 0,
    };
    let start = match fault {
        Some(Fault::RepeatedRow) => start.saturating_sub(1),
        Some(Fault::RepeatedPage) => 0,
        _ => start,
    };
    rows.into_iter().skip(start).take(size).cloned().collect()
}

/// The filters by time of Alpaca and Circle.
fn is_within(row: &Value, query: &BTreeMap<String, String>) -> bool {
    let created_at = row["created_at"].as_str().or(row["createDate"].as_str()).unwrap_or_default();
    let time = |name| query.get(name).map(|time| time.trim_end_matches('Z'));
    let at = created_at.trim_end_matches('Z');
    time("after").or(time("from")).is_none_or(|from| at > from)
        && time("until").or(time("to")).is_none_or(|to| at <= to)
}

fn wrap(path: &str, rows: Vec<Value>) -> Value {
    match path {
        "/v0/virtual_accounts/history" => json!({ "count": rows.len(), "value": rows }),
        path if path.starts_with("/v0/") => json!({ "count": rows.len(), "data": rows }),
        "/v1/w3s/transactions" => json!({ "data": { "transactions": rows } }),
        path if path.starts_with("/v1/accounts/") => json!(rows),
        _ => json!({ "data": rows }),
    }
}
