//! Limits the requests of one client address: deliveries, and requests without a valid API key.

use std::sync::Arc;

use axum::extract::Request;
use coordination::{CheckedAddress, SharedAddresses, SharedLimits};
use domain::Provider;
use prometheus::IntCounter;
use rate_limit::{AddressLimiter, Capacity, Exceeded, Limit, TIERS};
use telemetry::metrics::Metrics;

use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicy};
use super::pending_limit;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// All clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct AddressLimit {
    /// In the order of [`TIERS`], with the counters of refusals.
    tiers: [(Arc<LimitPolicy>, IntCounter); TIERS.len()],
    limiter: Limiter,
}

#[derive(Clone, Debug)]
enum Limiter {
    /// Of this server alone.
    Local(Arc<AddressLimiter>),
    /// Of all replicas.
    Shared(SharedAddresses),
}

impl AddressLimit {
    pub(crate) fn for_api(limit: Limit, metrics: &Metrics, shared: Option<&SharedLimits>) -> Self {
        let Metrics { limited_by_address, limited_by_site, limited_by_allocation, .. } = metrics;
        let exceeded = [limited_by_address, limited_by_site, limited_by_allocation];
        let limiter = Limiter::new(limit, Capacity::ManyClients, "api", shared);
        Self::new(&TIERS[0].name, limit, limiter, exceeded)
    }

    /// For the webhook endpoint of one provider, which has few clients.
    pub(crate) fn for_provider(
        provider: Provider,
        limit: Limit,
        metrics: &Metrics,
        shared: Option<&SharedLimits>,
    ) -> Self {
        let limiter = Limiter::new(limit, Capacity::FewClients, provider.as_str(), shared);
        Self::new(&"provider", limit, limiter, [&metrics.limited_by_provider; TIERS.len()])
    }

    /// `name` is that of the first tier.
    fn new(
        name: &'static &'static str,
        limit: Limit,
        limiter: Limiter,
        exceeded: [&IntCounter; TIERS.len()],
    ) -> Self {
        let policy = |index: usize| {
            let tier = &TIERS[index];
            let name = if index == 0 { name } else { &tier.name };
            let policy = LimitPolicy::new(std::array::from_ref(name), tier.network, limit.for_tier(tier));
            (Arc::new(policy), exceeded[index].clone())
        };
        Self { tiers: std::array::from_fn(policy), limiter }
    }

    fn exceeded(&self, Exceeded { tier, status }: Exceeded) -> Problem {
        let (policy, counter) = &self.tiers[tier];
        counter.inc();
        policy.exceeded(status)
    }
}

impl Limiter {
    /// `name` is that of the limit in Redis.
    fn new(limit: Limit, capacity: Capacity, name: &'static str, shared: Option<&SharedLimits>) -> Self {
        match shared {
            None => Self::Local(Arc::new(AddressLimiter::new(limit, capacity))),
            Some(limits) => Self::Shared(SharedAddresses::new(limits.clone(), name, limit, capacity)),
        }
    }
}

impl RequestHook for AddressLimit {
    type ResponseHook = LimitHeaders;

    fn on_request(&self, request: &mut Request) -> Result<LimitHeaders, Problem> {
        let Some(address) = RequestContext::get(request.extensions())?.client.get().copied() else {
            return Err(Problem::new(Kind::Internal, "the client's address is unknown"));
        };
        let result = match &self.limiter {
            Limiter::Local(limiter) => limiter.check(address),
            Limiter::Shared(addresses) => match addresses.check(address) {
                CheckedAddress::Allowed(status) => Ok(status),
                CheckedAddress::Exceeded(exceeded) => Err(exceeded),
                CheckedAddress::Undecided(undecided) => {
                    let limit = self.clone();
                    let decide =
                        async move { undecided.decide().await.map_err(|exceeded| limit.exceeded(exceeded)) };
                    Ok(pending_limit::attach(request, decide))
                }
            },
        };
        let status = result.map_err(|exceeded| self.exceeded(exceeded))?;
        Ok(LimitHeaders { policy: Arc::clone(&self.tiers[0].0), status })
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
        let layer = AddressLimit::for_api(Limit { per_minute: one, burst: one }, &metrics, None);
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
        let layer = AddressLimit::for_api(Limit { per_minute: one, burst: one }, &metrics, None);
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
