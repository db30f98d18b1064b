//! Writes one line for every request, with everything in it: who, what, which route, how it ended, how long it took.
//!
//! The query is not logged, because clients put secrets there. Whatever a client sends is escaped, so that a line is
//! always one line and, as JSON, one object.

mod line;
mod writer;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderValue, Method, Uri, header};
use http_body::Body as _;

use super::client_address::ClientAddress;
use super::request_id::RequestId;
use super::step::{After, Step};
use crate::keys::Label;
use crate::problem::Problem;

pub use line::Format;
use line::Line;
pub use writer::AccessLog;

/// The layer.
#[derive(Clone, Debug)]
pub struct LogAccess {
    /// Where lines go.
    pub log: Arc<AccessLog>,
}

/// A request that has no line yet. When the client goes away before the answer, dropping it writes one that says so.
#[derive(Debug)]
pub struct Pending {
    log: Arc<AccessLog>,
    started: Instant,
    request_id: Option<RequestId>,
    client: Option<ClientAddress>,
    method: Method,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    is_logged: bool,
}

impl Step for LogAccess {
    type After = Pending;

    fn before(&self, request: &mut Request) -> Result<Pending, Problem> {
        Ok(Pending {
            log: Arc::clone(&self.log),
            started: Instant::now(),
            request_id: request.extensions().get().copied(),
            client: request.extensions().get().copied(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            is_logged: false,
        })
    }
}

impl After for Pending {
    fn after(mut self, response: &mut Response) {
        self.is_logged = true;
        self.write(Some(response));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_logged {
            self.write(None);
        }
    }
}

impl Pending {
    fn write(&self, response: Option<&Response>) {
        let extensions = response.map(Response::extensions);
        self.log.write(&Line {
            request_id: self.request_id.as_ref().map_or("", RequestId::as_str),
            client: self.client.map(|ClientAddress(address)| address),
            method: self.method.as_str(),
            path: self.uri.path(),
            route: extensions.and_then(|all| all.get::<MatchedPath>()).map(MatchedPath::as_str),
            status: response.map(|response| response.status().as_u16()),
            code: extensions.and_then(|all| all.get::<Problem>()).map(|problem| problem.kind().code()),
            bytes: response.and_then(|response| response.body().size_hint().exact()),
            took_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            key: extensions.and_then(|all| all.get::<Label>()).copied(),
            user_agent: self.user_agent.as_ref().map(HeaderValue::as_bytes),
        });
    }
}

#[cfg(test)]
mod tests;
