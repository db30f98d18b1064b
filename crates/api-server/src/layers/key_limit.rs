//! Limits the requests of one API key, from any address: how many it sends, and how many are in progress. A request in progress
//! ends when its response has been read, because until then it uses memory.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::Request;
use rate_limit::{Limit, LimitStatus};
use telemetry::metrics::Metrics;

use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicy};
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// Most requests of one key in progress.
const IN_PROGRESS_MAX: u32 = 100;
/// `Retry-After` of a request over that, in seconds.
const RETRY_AFTER_S: u64 = 1;

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
        let context = RequestContext::get(request.extensions())?;
        let Some(key) = context.key() else { return Ok(LimitHeaders(None)) };
        let status = key.limiter.check().map_err(|status| {
            self.metrics.limited_by_key.inc();
            self.policy.exceeded(status)
        })?;
        if !key.limiter.start(IN_PROGRESS_MAX) {
            self.metrics.limited_by_key_concurrency.inc();
            let detail = format!("this API key may have {IN_PROGRESS_MAX} requests in progress");
            let problem = Problem::new(Kind::QuotaExceeded, detail).violating(&["concurrency"]);
            return Err(problem.retry_after_s(RETRY_AFTER_S));
        }
        // The request ends together with its context.
        context.key_policy.get_or_init(|| Arc::clone(&self.policy));
        Ok(LimitHeaders(Some((Arc::clone(&self.policy), status))))
    }
}

/// Charges the key for a request that costs as much as several. The rate limit fields of the response are those of the returned
/// status, as its extension.
pub(crate) fn charge(context: &RequestContext, further: u32) -> Result<Option<LimitStatus>, Problem> {
    let (Some(policy), Some(key), Some(further)) =
        (context.key_policy.get(), context.key(), NonZeroU32::new(further))
    else {
        return Ok(None);
    };
    key.limiter.charge(further).map(Some).map_err(|status| policy.exceeded(status))
}
