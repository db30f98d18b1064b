//! Limits the requests of one API key, from any address.

use std::sync::Arc;

use axum::extract::Request;
use rate_limit::Limit;
use telemetry::metrics::Metrics;

use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicy};
use crate::problem::Problem;
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct KeyLimit {
    policy: Arc<LimitPolicy>,
    metrics: Arc<Metrics>,
}

impl KeyLimit {
    pub(crate) fn new(limit: Limit, metrics: Arc<Metrics>) -> Self {
        Self { policy: Arc::new(LimitPolicy::new(&["key"], "API key", limit)), metrics }
    }
}

impl RequestHook for KeyLimit {
    type ResponseHook = LimitHeaders;

    fn on_request(&self, request: &mut Request) -> Result<LimitHeaders, Problem> {
        let Some(key) = RequestContext::get(request.extensions())?.key() else {
            return Ok(LimitHeaders(None));
        };
        match key.limiter.check() {
            Ok(status) => Ok(LimitHeaders(Some((Arc::clone(&self.policy), status)))),
            Err(status) => {
                self.metrics.limited_by_key.inc();
                Err(self.policy.exceeded(status))
            }
        }
    }
}
