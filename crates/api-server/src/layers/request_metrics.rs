//! Counts every response under its matched route, and the requests in flight.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use telemetry::metrics::Metrics;

use super::hook::{RequestHook, ResponseHook};
use crate::problem::Problem;
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct RequestMetrics {
    pub(crate) metrics: Arc<Metrics>,
}

/// Dropping it lowers the gauge, whether there was a response or the client disconnected.
#[derive(Debug)]
pub(crate) struct InFlight {
    metrics: Arc<Metrics>,
    context: Arc<RequestContext>,
}

impl RequestHook for RequestMetrics {
    type ResponseHook = InFlight;

    fn on_request(&self, request: &mut Request) -> Result<InFlight, Problem> {
        let context = Arc::clone(RequestContext::get(request.extensions())?);
        self.metrics.in_flight.inc();
        Ok(InFlight { metrics: Arc::clone(&self.metrics), context })
    }
}

impl ResponseHook for InFlight {
    fn on_response(self, response: &mut Response) {
        let context = &self.context;
        let child = self.metrics.routes.child(context.route(), &context.method);
        child.observe(response.status(), context.duration(), context.span.get().copied());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}
