//! Counts every answer under its matched route, and the requests that have none yet.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::exchange::Exchange;
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
    exchange: Exchange,
}

impl Step for RequestMetrics {
    type After = InFlight;

    fn before(&self, request: &mut Request) -> Result<InFlight, Problem> {
        let exchange = Exchange::of(request)?.clone();
        self.metrics.in_flight.inc();
        Ok(InFlight { metrics: Arc::clone(&self.metrics), exchange })
    }
}

impl After for InFlight {
    fn after(self, response: &mut Response) {
        let exchange = &self.exchange;
        let child = self.metrics.routes.child(exchange.route(), exchange.method());
        child.observe(response.status(), exchange.took());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}
