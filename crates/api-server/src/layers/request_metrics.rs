//! Counts every answer under its matched route, and the requests that have none yet.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::Method;

use super::step::{After, Step};
use crate::metrics::Metrics;
use crate::problem::Problem;

/// The layer.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

/// A request in flight. Dropping it takes it out of the gauge, whether it was answered or given up.
#[derive(Debug)]
pub struct InFlight {
    metrics: Arc<Metrics>,
    method: Method,
    started: Instant,
}

impl Step for RequestMetrics {
    type After = InFlight;

    fn before(&self, request: &mut Request) -> Result<InFlight, Problem> {
        self.metrics.in_flight.inc();
        Ok(InFlight {
            metrics: Arc::clone(&self.metrics),
            method: request.method().clone(),
            started: Instant::now(),
        })
    }
}

impl After for InFlight {
    fn after(self, response: &mut Response) {
        let route = response.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        self.metrics.routes.child(route, &self.method).observe(response.status(), self.started.elapsed());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}
