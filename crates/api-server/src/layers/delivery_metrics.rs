//! Counts the deliveries of one source, and those that the layers around the handler refuse.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use domain::Provider;

use super::step::{After, Step};
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// The layer.
#[derive(Clone, Debug)]
pub struct DeliveryMetrics {
    /// Whose deliveries.
    pub source: Provider,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

/// A delivery that was counted when it came.
#[derive(Debug)]
pub struct Received(DeliveryMetrics);

impl Step for DeliveryMetrics {
    type After = Received;

    fn before(&self, _request: &mut Request) -> Result<Received, Problem> {
        self.metrics.deliveries.of(self.source).received.inc();
        Ok(Received(self.clone()))
    }
}

impl After for Received {
    fn after(self, response: &mut Response) {
        let Some(problem) = response.extensions().get::<Problem>() else { return };
        let Self(DeliveryMetrics { source, metrics }) = self;
        let source = metrics.deliveries.of(source);
        let reason = match problem.kind() {
            Kind::PayloadTooLarge => "too_large",
            Kind::UnsupportedMediaType => "encoding",
            Kind::BadRequest | Kind::Timeout => "unreadable",
            Kind::QuotaExceeded => "limited",
            Kind::Overloaded | Kind::StoreUnavailable => return source.unavailable.inc(),
            // The handler counts these itself, by the step at which they failed.
            _ => return,
        };
        if let Some(counter) = source.rejected(reason) {
            counter.inc();
        }
    }
}
