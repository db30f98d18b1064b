//! Bounds the requests in flight. Other requests are shed immediately, before all become slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::response::Response;
use telemetry::metrics::Metrics;

use super::hook::{RequestHook, ResponseHook};
use crate::problem::{Kind, Problem};

/// `Retry-After` of a shed request, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// All clones share one count.
#[derive(Clone, Debug)]
pub(crate) struct Concurrency {
    max: usize,
    running: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

/// One running request; dropping it makes room.
#[derive(Debug)]
pub(crate) struct RequestPermit(Arc<AtomicUsize>);

impl Concurrency {
    pub(crate) fn new(max: usize, metrics: Arc<Metrics>) -> Self {
        Self { max, running: Arc::default(), metrics }
    }
}

impl RequestHook for Concurrency {
    type ResponseHook = RequestPermit;

    fn on_request(&self, _request: &mut Request) -> Result<RequestPermit, Problem> {
        let running = self.running.fetch_add(1, Ordering::Relaxed);
        let permit = RequestPermit(Arc::clone(&self.running));
        if running < self.max {
            return Ok(permit);
        }
        self.metrics.shed.inc();
        let problem = Problem::new(Kind::Overloaded, "too many requests are in flight");
        Err(problem.retry_after_s(RETRY_AFTER_S))
    }
}

impl ResponseHook for RequestPermit {
    fn on_response(self, _response: &mut Response) {}
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_over_the_bound_is_shed_and_leaves_its_slot_free() {
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let layer = Concurrency::new(1, Arc::clone(&metrics));
        let mut request = Request::default();
        let first = layer.on_request(&mut request).unwrap();
        for _ in 0..3 {
            assert_eq!(layer.on_request(&mut request).unwrap_err().kind, Kind::Overloaded);
        }
        drop(first);
        assert!(layer.on_request(&mut request).is_ok());
        assert_eq!(metrics.shed.get(), 3);
    }
}
