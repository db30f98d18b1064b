//! Traces requests: each has ids in the access log, and those that are recorded have a span with what is known at the end.
//!
//! A trace of the caller is continued only for trusted proxies. Every other client gets a trace of its own: ids that it chooses
//! would decide which requests are recorded. The query is never recorded, because clients put secrets there.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use telemetry::RequestId;
use telemetry::traces::{Span, SpanIds, Tracer};

use super::access_log::PROBES;
use crate::client_address::TrustedProxies;
use crate::problem::Problem;
use crate::redaction::Redaction;
use crate::request_context::RequestContext;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Starts the spans of requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestSpans {
    pub(crate) tracer: Tracer,
    pub(crate) proxies: TrustedProxies,
    pub(crate) redaction: Redaction,
}

/// The span of a recorded request. If the client disconnects before the response, dropping it ends the span without a status.
#[derive(Debug)]
pub(crate) struct RequestSpan {
    pub(crate) span: Span,
    context: Arc<RequestContext>,
    redaction: Redaction,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    scheme: &'static str,
    version: Version,
    is_ended: bool,
}

impl RequestSpans {
    /// Notes the ids of a request, and starts its span if it is recorded. Probes have neither.
    pub(crate) fn start(&self, request: &Request) -> Option<Box<RequestSpan>> {
        if !self.tracer.is_on() || PROBES.contains(&request.uri().path()) {
            return None;
        }
        let context = RequestContext::get(request.extensions()).ok()?;
        let headers = request.headers();
        let is_proxy = self.proxies.contains(context.connection.peer().ip());
        let (ids, span) = self.tracer.request(if is_proxy { trace_of(headers) } else { None })?;
        context.span.get_or_init(|| ids);
        if !span.is_recorded() {
            return None;
        }
        let is_https = is_proxy && headers.get(X_FORWARDED_PROTO).is_some_and(|scheme| scheme == "https");
        Some(Box::new(RequestSpan {
            span,
            context: Arc::clone(context),
            redaction: self.redaction.clone(),
            host: headers.get(header::HOST).cloned(),
            user_agent: headers.get(header::USER_AGENT).cloned(),
            scheme: if is_https { "https" } else { "http" },
            version: request.version(),
            is_ended: false,
        }))
    }
}

fn trace_of(headers: &HeaderMap) -> Option<SpanIds> {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    let (first, second) = (lines.next()?, lines.next());
    SpanIds::parse(first.to_str().ok().filter(|_| second.is_none())?)
}

impl RequestSpan {
    /// Ends the span with the response.
    pub(crate) fn end(mut self, response: &Response) {
        self.is_ended = true;
        self.describe();
        let status = response.status();
        self.span.set("http.response.status_code", i64::from(status.as_u16()));
        // Which layer or handler refused the request.
        let code = response.extensions().get::<Problem>().map(|problem| problem.kind.code());
        if let Some(code) = code {
            self.span.set("investiq.problem", code);
        }
        if status.is_server_error() {
            self.span.fail(code.map_or_else(|| status.as_str().to_owned(), str::to_owned));
        }
    }

    /// The attributes of semantic conventions 1.44 for HTTP servers, and our ids.
    fn describe(&mut self) {
        let Self { span, context, redaction, .. } = self;
        let is_known = METHODS.contains(&context.method);
        let method = if is_known { context.method.as_str() } else { "HTTP" };
        match context.route.get() {
            Some(route) => {
                span.rename(format!("{method} {}", route.as_str()));
                span.set("http.route", route.as_str().to_owned());
            }
            None => span.rename(method.to_owned()),
        }
        span.set("http.request.method", if is_known { method.to_owned() } else { "_OTHER".to_owned() });
        span.set_text("url.path", redaction.text(context.uri.path()).as_bytes());
        span.set("url.scheme", self.scheme);
        span.set("network.protocol.version", version(self.version));
        // As HTTP/2 has it, in the target.
        let authority = context.uri.authority().map(|authority| authority.as_str().as_bytes());
        let host = authority.or(self.host.as_ref().map(HeaderValue::as_bytes));
        // Without a user and a password, which a client may have put before it.
        if let Some(host) = host.and_then(|host| Authority::try_from(host).ok()) {
            span.set_text("server.address", redaction.text(host.host()).as_bytes());
            if let Some(port) = host.port_u16() {
                span.set("server.port", i64::from(port));
            }
        }
        if let Some(client) = context.client.get() {
            span.set("client.address", client.to_string());
        }
        if let Some(user_agent) = self.user_agent.as_ref().map(HeaderValue::as_bytes) {
            let redacted = redaction.redacted(user_agent);
            span.set_text("user_agent.original", redacted.as_deref().unwrap_or(user_agent));
        }
        if let Some(id) = context.id.get() {
            span.set("investiq.request_id", RequestId::as_str(id).to_owned());
        }
        if let Some(key) = context.key() {
            span.set_text("investiq.api_key", &key.label().bytes());
        }
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        if !self.is_ended {
            self.describe();
            // The client's doing, so no error of the server.
            self.span.set("error.type", "client_disconnected");
        }
    }
}

/// The methods that the semantic conventions name.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::DELETE,
    Method::OPTIONS,
    Method::HEAD,
    Method::PUT,
    Method::PATCH,
    Method::CONNECT,
    Method::TRACE,
];

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}
