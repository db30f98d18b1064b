//! Limits the requests of one client address.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use prometheus::IntCounter;
use rate_limit::{AddressLimiter, Capacity, Limit, LimitStatus, Scope};
use telemetry::metrics::Metrics;

use super::hook::{RequestHook, ResponseHook};
use super::limit_policy::LimitPolicy;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// All clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct AddressLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    policy: LimitPolicy,
    limiter: AddressLimiter,
    network_exceeded: IntCounter,
    site_exceeded: IntCounter,
}

/// The limit in the response.
#[derive(Debug)]
pub(crate) struct LimitSnapshot {
    limit: AddressLimit,
    status: LimitStatus,
}

impl AddressLimit {
    /// For the API.
    pub(crate) fn for_api(limit: Limit, metrics: &Metrics) -> Self {
        Self(Arc::new(Inner {
            policy: LimitPolicy::new(&["address"], limit),
            limiter: AddressLimiter::new(limit, Capacity::ManyClients),
            network_exceeded: metrics.limited_by_address.clone(),
            site_exceeded: metrics.limited_by_site.clone(),
        }))
    }

    /// For the webhook endpoint of one provider, which few clients call.
    pub(crate) fn for_provider(limit: Limit, metrics: &Metrics) -> Self {
        Self(Arc::new(Inner {
            policy: LimitPolicy::new(&["provider"], limit),
            limiter: AddressLimiter::new(limit, Capacity::FewClients),
            network_exceeded: metrics.limited_by_provider.clone(),
            site_exceeded: metrics.limited_by_provider.clone(),
        }))
    }
}

impl RequestHook for AddressLimit {
    type ResponseHook = LimitSnapshot;

    fn on_request(&self, request: &mut Request) -> Result<LimitSnapshot, Problem> {
        let Some(address) = RequestContext::get(request.extensions())?.client() else {
            return Err(Problem::new(Kind::Internal, "the client's address is not known"));
        };
        match self.0.limiter.check(address) {
            Ok(status) => Ok(LimitSnapshot { limit: self.clone(), status }),
            Err(exceeded) => {
                match exceeded.scope {
                    Scope::Network => self.0.network_exceeded.inc(),
                    Scope::Site => self.0.site_exceeded.inc(),
                }
                Err(self.0.policy.exceeded(exceeded.status))
            }
        }
    }
}

impl ResponseHook for LimitSnapshot {
    fn on_response(self, response: &mut Response) {
        // An inner layer may have added a stricter limit.
        if !LimitPolicy::is_present(response.headers()) {
            self.limit.0.policy.insert(self.status, response.headers_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_request_over_the_limit_is_refused_and_counted() {
        let one = NonZeroU32::MIN;
        let metrics = Metrics::new(telemetry::metrics::Labels::default()).unwrap();
        let layer = AddressLimit::for_api(Limit { per_minute: one, burst: one }, &metrics);
        let mut request = Request::default();
        RequestContext::attach_from(&mut request, "192.0.2.1");
        assert!(layer.on_request(&mut request).is_ok());
        assert_eq!(layer.on_request(&mut request).unwrap_err().kind(), Kind::QuotaExceeded);
        assert_eq!((metrics.limited_by_address.get(), metrics.limited_by_site.get()), (1, 0));
    }
}
