//! Gives every request an id, for the header `X-Request-Id` of the response, problems and log lines; and a span, if there are
//! traces. Whatever works on the request is within both.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use http::{HeaderMap, HeaderName, HeaderValue};
use pin_project_lite::pin_project;
use telemetry::RequestId;
use telemetry::traces::{InSpan, Span};

use super::around::{Around, ResponseFuture};
use super::request_span::{RequestSpan, RequestSpans};
use crate::request_context::RequestContext;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Hashes a counter with random keys: ids never repeat in a process, and cannot be guessed from others.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestIds(Arc<Source>);

#[derive(Debug, Default)]
struct Source {
    keys: [RandomState; 2],
    issued: AtomicU64,
    spans: RequestSpans,
}

impl RequestIds {
    /// Ids that clients chose are replaced if they contain a key.
    pub(crate) fn new(spans: RequestSpans) -> Self {
        Self(Arc::new(Source { spans, ..Source::default() }))
    }

    fn issue(&self) -> RequestId {
        let count = self.0.issued.fetch_add(1, Ordering::Relaxed);
        RequestId::from_bits([self.0.keys[0].hash_one(count), self.0.keys[1].hash_one(count)])
    }

    fn choose(&self, headers: &HeaderMap) -> RequestId {
        let from_client = headers.get(X_REQUEST_ID).and_then(|value| RequestId::parse(value.as_bytes()));
        let without_key = from_client.filter(|id| self.0.spans.redaction.redacted(id.as_bytes()).is_none());
        without_key.unwrap_or_else(|| self.issue())
    }
}

impl Around for RequestIds {
    type Future<F: ResponseFuture> = RequestIdFuture<F>;

    fn call<F: ResponseFuture>(
        &self,
        request: Request,
        inner: impl FnOnce(Request) -> F,
    ) -> RequestIdFuture<F> {
        let id = self.choose(request.headers());
        if let Ok(context) = RequestContext::get(request.extensions()) {
            context.id.get_or_init(|| id);
        }
        let span = self.0.spans.start(&request);
        let future = id.scope(|| inner(request));
        let inner = match &span {
            Some(recorded) => recorded.span.enter(future),
            None => Span::default().enter(future),
        };
        RequestIdFuture { id, inner, span }
    }
}

pin_project! {
    #[derive(Debug)]
    pub(crate) struct RequestIdFuture<F> {
        id: RequestId,
        // Ends after everything in it, if the client disconnects.
        #[pin]
        inner: InSpan<F>,
        span: Option<Box<RequestSpan>>,
    }
}

impl<F: ResponseFuture> Future for RequestIdFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.id.scope(|| this.inner.poll(context)));
        if let Ok(value) = HeaderValue::from_bytes(this.id.as_bytes()) {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        if let Some(span) = this.span.take() {
            span.end(&response);
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_ids_are_128_bits_and_differ_between_requests_and_processes() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let ids = [one.issue(), one.issue(), other.issue()];
        assert!(ids.iter().all(|id| id.as_str().len() == 32));
        assert!(ids[0] != ids[1] && ids[0] != ids[2]);
    }
}
