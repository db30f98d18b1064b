//! Limits the requests with one valid API key, from any address, and all others by the address of their client.
//!
//! The key is looked up first: what others send from an address takes nothing from the limit of a key, so that wrong keys of a
//! neighbour refuse no valid one.

use std::sync::Arc;

use axum::extract::Request;
use rate_limit::Limit;
use telemetry::metrics::Metrics;

use super::address_limit::AddressLimit;
use super::api_key::ApiKeys;
use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicy};
use crate::problem::Problem;

#[derive(Clone, Debug)]
pub(crate) struct RequestLimit {
    api_keys: ApiKeys,
    key_policy: Arc<LimitPolicy>,
    by_address: AddressLimit,
    metrics: Arc<Metrics>,
}

impl RequestLimit {
    pub(crate) fn new(api_keys: ApiKeys, limit: Limit, metrics: Arc<Metrics>) -> Self {
        let key_policy = Arc::new(LimitPolicy::new(&["key"], "API key", limit));
        Self { api_keys, key_policy, by_address: AddressLimit::for_api(limit, &metrics), metrics }
    }
}

impl RequestHook for RequestLimit {
    type ResponseHook = LimitHeaders;

    fn on_request(&self, request: &mut Request) -> Result<LimitHeaders, Problem> {
        let Some(key) = self.api_keys.identify(request)? else { return self.by_address.on_request(request) };
        match key.limiter.check() {
            Ok(status) => Ok(LimitHeaders { policy: Arc::clone(&self.key_policy), status }),
            Err(status) => {
                self.metrics.limited_by_key.inc();
                Err(self.key_policy.exceeded(status))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use config::api_keys::KeySet;

    use super::*;
    use crate::direct_request::DirectRequests;
    use crate::keys::{AuthMode, KeyRing};
    use crate::problem::Kind;
    use crate::request_context::RequestContext;

    const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";

    fn limit_of(count: u32) -> RequestLimit {
        let count = NonZeroU32::new(count).unwrap();
        let limit = Limit { per_minute: count, burst: count };
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let ring = KeyRing::new(KeySet::parse(KEY, limit).unwrap(), limit, Arc::clone(&metrics));
        let mode = AuthMode::Keys(Arc::new(ring));
        let api_keys = ApiKeys::new(mode, DirectRequests::new(&[]), 10, Arc::clone(&metrics), Arc::default());
        RequestLimit::new(api_keys, limit, metrics)
    }

    /// How many of `count` requests with this key pass.
    fn passing(layer: &RequestLimit, key: &str, count: u32) -> usize {
        let pass = |_: &u32| {
            let mut request = Request::default();
            RequestContext::attach_from(&mut request, "192.0.2.1");
            request.headers_mut().insert("x-api-key", key.parse().unwrap());
            let result = layer.on_request(&mut request);
            assert!(result.as_ref().err().is_none_or(|problem| problem.kind == Kind::QuotaExceeded));
            result.is_ok()
        };
        (0..count).filter(pass).count()
    }

    #[test]
    fn wrong_keys_of_an_address_take_nothing_from_a_valid_one_and_the_reverse() {
        let layer = limit_of(9);
        assert_eq!(passing(&layer, "wrong", 30), 9);
        assert_eq!(passing(&layer, KEY, 30), 9);
        assert_eq!((layer.metrics.limited_by_address.get(), layer.metrics.limited_by_key.get()), (21, 21));
        let layer = limit_of(9);
        assert_eq!((passing(&layer, KEY, 30), passing(&layer, "wrong", 30)), (9, 9));
    }
}
