//! Limits the requests of one client address: deliveries, and requests without a valid API key.

use std::sync::Arc;

use axum::extract::Request;
use prometheus::IntCounter;
use rate_limit::{AddressLimiter, Capacity, Limit, TIERS};
use telemetry::metrics::Metrics;

use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicy};
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// All clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct AddressLimit {
    /// In the order of [`TIERS`], with the counters of refusals.
    tiers: [(Arc<LimitPolicy>, IntCounter); TIERS.len()],
    limiter: Arc<AddressLimiter>,
}

impl AddressLimit {
    pub(crate) fn for_api(limit: Limit, metrics: &Metrics) -> Self {
        let Metrics { limited_by_address, limited_by_site, limited_by_allocation, .. } = metrics;
        let exceeded = [limited_by_address, limited_by_site, limited_by_allocation];
        Self::new(&TIERS[0].name, limit, Capacity::ManyClients, exceeded)
    }

    /// For the webhook endpoint of one provider, which has few clients.
    pub(crate) fn for_provider(limit: Limit, metrics: &Metrics) -> Self {
        Self::new(&"provider", limit, Capacity::FewClients, [&metrics.limited_by_provider; TIERS.len()])
    }

    /// `name` is that of the first tier.
    fn new(
        name: &'static &'static str,
        limit: Limit,
        capacity: Capacity,
        exceeded: [&IntCounter; TIERS.len()],
    ) -> Self {
        let policy = |index: usize| {
            let tier = &TIERS[index];
            let name = if index == 0 { name } else { &tier.name };
            let policy = LimitPolicy::new(std::array::from_ref(name), tier.network, limit.for_tier(tier));
            (Arc::new(policy), exceeded[index].clone())
        };
        Self { tiers: std::array::from_fn(policy), limiter: Arc::new(AddressLimiter::new(limit, capacity)) }
    }
}

impl RequestHook for AddressLimit {
    type ResponseHook = LimitHeaders;

    fn on_request(&self, request: &mut Request) -> Result<LimitHeaders, Problem> {
        let Some(address) = RequestContext::get(request.extensions())?.client.get() else {
            return Err(Problem::new(Kind::Internal, "the client's address is unknown"));
        };
        match self.limiter.check(*address) {
            Ok(status) => Ok(LimitHeaders { policy: Arc::clone(&self.tiers[0].0), status }),
            Err(exceeded) => {
                let (policy, counter) = &self.tiers[exceeded.tier];
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
