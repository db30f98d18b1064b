//! Limits the requests of one API key, from any address.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use rate_limit::{Limit, LimitStatus};
use telemetry::metrics::Metrics;

use super::hook::{RequestHook, ResponseHook};
use super::limit_policy::LimitPolicy;
use crate::problem::Problem;
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct KeyLimit {
    policy: Arc<LimitPolicy>,
    metrics: Arc<Metrics>,
}

/// The limit in the response; `None` without a key.
#[derive(Debug)]
pub(crate) struct KeyLimitSnapshot(Option<(Arc<LimitPolicy>, LimitStatus)>);

impl KeyLimit {
    pub(crate) fn new(limit: Limit, metrics: Arc<Metrics>) -> Self {
        Self { policy: Arc::new(LimitPolicy::new(&["key"], limit)), metrics }
    }
}

impl RequestHook for KeyLimit {
    type ResponseHook = KeyLimitSnapshot;

    fn on_request(&self, request: &mut Request) -> Result<KeyLimitSnapshot, Problem> {
        let Some(key) = RequestContext::get(request.extensions())?.key() else {
            return Ok(KeyLimitSnapshot(None));
        };
        match key.limiter().check() {
            Ok(status) => Ok(KeyLimitSnapshot(Some((Arc::clone(&self.policy), status)))),
            Err(status) => {
                self.metrics.limited_by_key.inc();
                Err(self.policy.exceeded(status))
            }
        }
    }
}

impl ResponseHook for KeyLimitSnapshot {
    fn on_response(self, response: &mut Response) {
        if let Some((policy, status)) = self.0 {
            policy.insert(status, response.headers_mut());
        }
    }
}
