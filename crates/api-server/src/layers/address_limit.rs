//! Limits the requests of one client address.

use std::sync::Arc;

use axum::extract::Request;
use prometheus::IntCounter;
use rate_limit::{AddressLimiter, Capacity, Limit, Scope};
use telemetry::metrics::Metrics;

use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicy};
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// All clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct AddressLimit {
    network_policy: Arc<LimitPolicy>,
    site_policy: Arc<LimitPolicy>,
    limiter: Arc<AddressLimiter>,
    network_exceeded: IntCounter,
    site_exceeded: IntCounter,
}

impl AddressLimit {
    pub(crate) fn for_api(limit: Limit, metrics: &Metrics) -> Self {
        let (by_address, by_site) = (&metrics.limited_by_address, &metrics.limited_by_site);
        Self::new(&["address"], limit, Capacity::ManyClients, [by_address, by_site])
    }

    /// For the webhook endpoint of one provider, which has few clients.
    pub(crate) fn for_provider(limit: Limit, metrics: &Metrics) -> Self {
        Self::new(&["provider"], limit, Capacity::FewClients, [&metrics.limited_by_provider; 2])
    }

    fn new(
        policy: &'static [&'static str; 1],
        limit: Limit,
        capacity: Capacity,
        [network_exceeded, site_exceeded]: [&IntCounter; 2],
    ) -> Self {
        Self {
            network_policy: Arc::new(LimitPolicy::new(policy, "address", limit)),
            site_policy: Arc::new(LimitPolicy::new(&["site"], "IPv6 /48", limit.for_site())),
            limiter: Arc::new(AddressLimiter::new(limit, capacity)),
            network_exceeded: network_exceeded.clone(),
            site_exceeded: site_exceeded.clone(),
        }
    }
}

impl RequestHook for AddressLimit {
    type ResponseHook = LimitHeaders;

    fn on_request(&self, request: &mut Request) -> Result<LimitHeaders, Problem> {
        let Some(address) = RequestContext::get(request.extensions())?.client.get() else {
            return Err(Problem::new(Kind::Internal, "the client's address is unknown"));
        };
        match self.limiter.check(*address) {
            Ok(status) => Ok(LimitHeaders(Some((Arc::clone(&self.network_policy), status)))),
            Err(exceeded) => {
                let (counter, policy) = match exceeded.scope {
                    Scope::Network => (&self.network_exceeded, &self.network_policy),
                    Scope::Site => (&self.site_exceeded, &self.site_policy),
                };
                counter.inc();
                Err(policy.exceeded(exceeded.status))
            }
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
        assert_eq!(layer.on_request(&mut request).unwrap_err().kind, Kind::QuotaExceeded);
        assert_eq!((metrics.limited_by_address.get(), metrics.limited_by_site.get()), (1, 0));
    }

    #[test]
    fn the_problem_names_the_site_when_its_limit_is_exceeded() {
        let one = NonZeroU32::MIN;
        let metrics = Metrics::new(telemetry::metrics::Labels::default()).unwrap();
        let layer = AddressLimit::for_api(Limit { per_minute: one, burst: one }, &metrics);
        let refused = (0..17).find_map(|network| {
            let mut request = Request::default();
            RequestContext::attach_from(&mut request, &format!("2001:db8:1:{network:x}::1"));
            layer.on_request(&mut request).err()
        });
        let document = serde_json::to_value(refused.unwrap().document("/", "r")).unwrap();
        assert_eq!(document["violated-policies"], serde_json::json!(["site"]));
        assert_eq!((metrics.limited_by_address.get(), metrics.limited_by_site.get()), (0, 1));
    }
}
