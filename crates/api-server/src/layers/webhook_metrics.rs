//! Counts the deliveries of one provider, and those that the layers around the handler refuse.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use domain::Provider;
use telemetry::metrics::Metrics;

use super::hook::{RequestHook, ResponseHook};
use crate::problem::{Kind, Problem};

#[derive(Clone, Debug)]
pub(crate) struct WebhookMetrics {
    pub(crate) provider: Provider,
    pub(crate) metrics: Arc<Metrics>,
}

/// A delivery that was counted as received.
#[derive(Debug)]
pub(crate) struct ReceivedDelivery(WebhookMetrics);

impl RequestHook for WebhookMetrics {
    type ResponseHook = ReceivedDelivery;

    fn on_request(&self, _request: &mut Request) -> Result<ReceivedDelivery, Problem> {
        self.metrics.deliveries.provider(self.provider.as_str()).received.inc();
        Ok(ReceivedDelivery(self.clone()))
    }
}

impl ResponseHook for ReceivedDelivery {
    fn on_response(self, response: &mut Response) {
        let Some(problem) = response.extensions().get::<Problem>() else { return };
        let Self(WebhookMetrics { provider, metrics }) = self;
        let counters = metrics.deliveries.provider(provider.as_str());
        let reason = match problem.kind {
            Kind::PayloadTooLarge => "too_large",
            Kind::UnsupportedMediaType => "encoding",
            Kind::BadRequest | Kind::Timeout => "unreadable",
            Kind::QuotaExceeded => "limited",
            Kind::Overloaded | Kind::StoreUnavailable => return counters.unavailable.inc(),
            // The handler counts the others, by the step that failed.
            _ => return,
        };
        if let Some(counter) = counters.rejected(reason) {
            counter.inc();
        }
    }
}
