//! Writes one line for every request, with everything in it: who, what, which route, how it ended, how long it took.
//!
//! The query is not logged, because clients put secrets there. Whatever a client sends is escaped, so that a line is
//! always one line and, as JSON, one object.

mod line;
mod writer;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, header};
use http_body::Body as _;

use super::api_key::Caller;
use super::exchange::Exchange;
use super::request_id::RequestId;
use super::step::{After, Step};
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
    exchange: Exchange,
    user_agent: Option<HeaderValue>,
    is_logged: bool,
}

impl Step for LogAccess {
    type After = Pending;

    fn before(&self, request: &mut Request) -> Result<Pending, Problem> {
        Ok(Pending {
            log: Arc::clone(&self.log),
            exchange: Exchange::of(request)?.clone(),
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
        let exchange = &self.exchange;
        let problem = response.and_then(|response| response.extensions().get::<Problem>());
        self.log.write(&Line {
            request_id: exchange.id().map_or("", RequestId::as_str),
            client: exchange.client(),
            method: exchange.method().as_str(),
            path: exchange.uri().path(),
            route: exchange.route(),
            status: response.map(|response| response.status().as_u16()),
            code: problem.map(|problem| problem.kind().code()),
            bytes: response.and_then(|response| response.body().size_hint().exact()),
            took_us: u64::try_from(exchange.took().as_micros()).unwrap_or(u64::MAX),
            key: exchange.caller().and_then(Caller::key).map(|key| key.label()),
            user_agent: self.user_agent.as_ref().map(HeaderValue::as_bytes),
        });
    }
}

#[cfg(test)]
mod tests;
