//! Writes one line for every request: client, method, route, status, duration. Probes that succeed are not logged.
//!
//! The query is not logged, because clients put secrets there.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use http_body::Body as _;
use telemetry::RequestId;
use telemetry::access_log::{AccessLog, Line};

use super::hook::{RequestHook, ResponseHook};
use crate::problem::Problem;
use crate::redaction::Redaction;
use crate::request_context::RequestContext;

/// Container engines and proxies ask these every few seconds.
pub(super) const PROBES: [&str; 2] = ["/livez", "/readyz"];

#[derive(Clone, Debug)]
pub(crate) struct LogAccess {
    pub(crate) log: Arc<AccessLog>,
    pub(crate) redaction: Redaction,
}

/// A request that is not logged yet. If the client disconnects before the response, dropping it writes a line without a status.
#[derive(Debug)]
pub(crate) struct PendingLine {
    log: Arc<AccessLog>,
    redaction: Redaction,
    context: Arc<RequestContext>,
    user_agent: Option<HeaderValue>,
    is_logged: bool,
}

impl RequestHook for LogAccess {
    type ResponseHook = PendingLine;

    fn on_request(&self, request: &mut Request) -> Result<PendingLine, Problem> {
        Ok(PendingLine {
            log: Arc::clone(&self.log),
            redaction: self.redaction.clone(),
            context: Arc::clone(RequestContext::get(request.extensions())?),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            is_logged: false,
        })
    }
}

impl ResponseHook for PendingLine {
    fn on_response(mut self, response: &mut Response) {
        self.is_logged = true;
        self.write(Some(response));
    }
}

impl Drop for PendingLine {
    fn drop(&mut self) {
        if !self.is_logged {
            self.write(None);
        }
    }
}

impl PendingLine {
    fn write(&self, response: Option<&Response>) {
        let context = &self.context;
        let status = response.map(Response::status);
        if status == Some(StatusCode::OK) && context.route().is_some_and(|route| PROBES.contains(&route)) {
            return;
        }
        let problem = response.and_then(|response| response.extensions().get::<Problem>());
        let user_agent = self.user_agent.as_ref().map(HeaderValue::as_bytes);
        let redacted_user_agent = user_agent.and_then(|text| self.redaction.redacted(text));
        self.log.write(&Line {
            request_id: context.id.get().map_or("", RequestId::as_str),
            ids: context.span.get().copied(),
            client: context.client.get().copied(),
            method: &self.redaction.text(context.method.as_str()),
            path: &self.redaction.text(context.uri.path()),
            route: context.route(),
            status: status.map(|status| status.as_u16()),
            code: problem.map(|problem| problem.kind.code()),
            bytes: response.and_then(|response| response.body().size_hint().exact()),
            duration_us: u64::try_from(context.duration().as_micros()).unwrap_or(u64::MAX),
            key: context.key().map(|key| key.label().bytes()),
            user_agent: redacted_user_agent.as_deref().or(user_agent),
        });
    }
}

#[cfg(test)]
mod tests;
