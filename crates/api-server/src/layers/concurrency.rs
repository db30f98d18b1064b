//! Bounds the requests that are handled at once, and sheds the others at once instead of letting all become slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::response::Response;

use super::step::{After, Step};
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// What a shed client is told to wait.
const RETRY_AFTER_S: u64 = 1;

/// The layer. All clones share one count.
#[derive(Clone, Debug)]
pub struct Concurrency {
    max: usize,
    running: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

/// One running request; dropping it makes room.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Concurrency {
    /// At most so many requests at once.
    #[must_use]
    pub fn new(max: usize, metrics: Arc<Metrics>) -> Self {
        Self { max, running: Arc::default(), metrics }
    }
}

impl Step for Concurrency {
    type After = Permit;

    fn before(&self, _request: &mut Request) -> Result<Permit, Problem> {
        let running = self.running.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(&self.running));
        if running < self.max {
            return Ok(permit);
        }
        self.metrics.shed.inc();
        let problem = Problem::new(Kind::Overloaded, "the service has more requests than it can handle");
        Err(problem.retry_after_s(RETRY_AFTER_S))
    }
}

impl After for Permit {
    fn after(self, _response: &mut Response) {}
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_over_the_bound_is_shed_and_does_not_keep_its_place() {
        let metrics = Arc::new(Metrics::new([]).unwrap());
        let layer = Concurrency::new(1, Arc::clone(&metrics));
        let mut request = Request::default();
        let first = layer.before(&mut request).unwrap();
        for _ in 0..3 {
            assert_eq!(layer.before(&mut request).unwrap_err().kind(), Kind::Overloaded);
        }
        drop(first);
        assert!(layer.before(&mut request).is_ok());
        assert_eq!(metrics.shed.get(), 3);
    }
}
