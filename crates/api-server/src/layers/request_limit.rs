//! Limits the requests with one valid API key, from any address, and all others by the address of their client. Of a key, the
//! requests in progress are limited, too; one ends when its response has been read, because until then it uses memory.
//!
//! The key is looked up first: what others send from an address takes nothing from the limit of a key, so that wrong keys of a
//! neighbour refuse no valid one.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::Request;
use config::api_keys::Key;
use coordination::{Checked, SharedLimits};
use http::Method;
use rate_limit::{Limit, LimitStatus};
use telemetry::metrics::Metrics;

use super::address_limit::AddressLimit;
use super::api_key::ApiKeys;
use super::hook::RequestHook;
use super::limit_policy::{LimitHeaders, LimitPolicies, LimitPolicy};
use super::pending_limit;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// Most requests of one key in progress, unless the key has a number of its own.
const IN_PROGRESS_MAX: u32 = 100;
/// `Retry-After` of a request over that, in seconds.
const RETRY_AFTER_S: u64 = 1;
/// Requests other than GET to these routes move money: where replicas share limits, each is counted in Redis before it is allowed.
const EXACT_ROUTES: &str = "/api/ledger/journals";

#[derive(Clone, Debug)]
pub(crate) struct RequestLimit {
    api_keys: ApiKeys,
    key_policy: Arc<LimitPolicy>,
    /// Of keys with a limit of their own.
    own_policies: Arc<LimitPolicies>,
    by_address: AddressLimit,
    shared: Option<SharedLimits>,
    metrics: Arc<Metrics>,
}

impl RequestLimit {
    /// With `shared`, all replicas count together.
    pub(crate) fn new(
        api_keys: ApiKeys,
        limit: Limit,
        metrics: Arc<Metrics>,
        shared: Option<SharedLimits>,
    ) -> Self {
        let key_policy = Arc::new(LimitPolicy::for_keys(limit));
        let by_address = AddressLimit::for_api(limit, &metrics, shared.as_ref());
        Self { api_keys, key_policy, own_policies: Arc::default(), by_address, shared, metrics }
    }

    fn policy_of(&self, key: &Key) -> Arc<LimitPolicy> {
        match key.own_limit() {
            Some(own) => self.own_policies.get(own),
            None => Arc::clone(&self.key_policy),
        }
    }

    fn exceeded(&self, policy: &LimitPolicy, status: LimitStatus) -> Problem {
        self.metrics.limited_by_key.inc();
        policy.exceeded(status)
    }

    /// The decision of this replica, or of Redis, for which the request then waits.
    fn check(&self, key: &Key, policy: &LimitPolicy, context: &RequestContext) -> Result<Checked, Problem> {
        let (id, limit) = (key.shared_id(), key.limiter.limit());
        let checked = match &self.shared {
            None => {
                let checked = key.limiter.check();
                return checked.map(Checked::Allowed).map_err(|status| self.exceeded(policy, status));
            }
            Some(shared) if moves_money(context) => shared.check_key_exactly(id, limit, 1),
            Some(shared) => shared.check_key(id, limit, 1),
        };
        match checked {
            Checked::Exceeded(status) => Err(self.exceeded(policy, status)),
            Checked::Allowed(_) | Checked::Undecided(_) => Ok(checked),
        }
    }
}

impl RequestHook for RequestLimit {
    type ResponseHook = LimitHeaders;

    fn on_request(&self, request: &mut Request) -> Result<LimitHeaders, Problem> {
        let Some(key) = self.api_keys.identify(request)? else {
            // A browser sends no key with the preflight of a request that has one.
            if *request.method() != Method::OPTIONS {
                self.api_keys.check_ban(request)?;
            }
            return self.by_address.on_request(request);
        };
        let (context, policy) = (RequestContext::get(request.extensions())?, self.policy_of(key));
        let checked = self.check(key, &policy, context)?;
        let in_progress_max =
            key.stored.as_ref().and_then(|terms| terms.concurrency).unwrap_or(IN_PROGRESS_MAX);
        if !key.limiter.start(in_progress_max) {
            self.metrics.limited_by_key_concurrency.inc();
            let detail = format!("this API key may have {in_progress_max} requests in progress");
            let problem = Problem::new(Kind::QuotaExceeded, detail).violating(&["concurrency"]);
            return Err(problem.retry_after_s(RETRY_AFTER_S));
        }
        // The request ends together with its context.
        context.key().map(|key| context.limited_key.get_or_init(|| Arc::clone(key)));
        let status = match checked {
            Checked::Allowed(status) | Checked::Exceeded(status) => status,
            Checked::Undecided(undecided) => {
                let (limit, policy) = (self.clone(), Arc::clone(&policy));
                let decide =
                    async move { undecided.decide().await.map_err(|status| limit.exceeded(&policy, status)) };
                pending_limit::attach(request, decide)
            }
        };
        Ok(LimitHeaders { policy, status })
    }
}

fn moves_money(context: &RequestContext) -> bool {
    context.method != Method::GET && context.route().is_some_and(|route| route.starts_with(EXACT_ROUTES))
}

/// Charges the key for a request that costs as much as several. The rate limit fields of the response are those of the returned
/// status, as its extension.
pub(crate) async fn charge(
    policy: &LimitPolicy,
    context: &RequestContext,
    further: u32,
    shared: Option<&SharedLimits>,
) -> Result<Option<LimitStatus>, Problem> {
    let (Some(key), Some(further)) = (context.limited_key.get(), NonZeroU32::new(further)) else {
        return Ok(None);
    };
    let charged = match shared {
        None => key.limiter.charge(further),
        Some(shared) => charge_shared(key, further, shared).await,
    };
    charged.map(Some).map_err(|status| match key.own_limit() {
        Some(own) => LimitPolicy::for_keys(own).exceeded(status),
        None => policy.exceeded(status),
    })
}

/// As [`rate_limit::KeyLimiter::charge`].
async fn charge_shared(
    key: &Key,
    further: NonZeroU32,
    shared: &SharedLimits,
) -> Result<LimitStatus, LimitStatus> {
    let limit = key.limiter.limit();
    let cost = further.get().min(limit.bounded().burst.get() - 1);
    match shared.check_key(key.shared_id(), limit, cost) {
        Checked::Allowed(status) => Ok(status),
        Checked::Exceeded(status) => Err(status),
        Checked::Undecided(undecided) => undecided.decide().await,
    }
}

#[cfg(test)]
mod tests {
    use config::api_keys::KeySet;

    use super::*;
    use crate::direct_request::DirectRequests;
    use crate::keys::{AuthMode, KeyRing};

    const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";

    fn limit_of(count: u32) -> RequestLimit {
        let count = NonZeroU32::new(count).unwrap();
        let limit = Limit { per_minute: count, burst: count };
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let ring = KeyRing::new(KeySet::parse(KEY, limit).unwrap(), limit, Arc::clone(&metrics));
        let mode = AuthMode::Keys(Arc::new(ring));
        let bans = Arc::new(crate::bans::Bans::off(Arc::clone(&metrics)));
        let direct = DirectRequests::new(&[]);
        let api_keys = ApiKeys::new(mode, direct, 10, Arc::clone(&metrics), Arc::default(), bans);
        RequestLimit::new(api_keys, limit, metrics, None)
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

    fn keyed_request() -> Request {
        let mut request = Request::default();
        RequestContext::attach_from(&mut request, "192.0.2.1");
        request.headers_mut().insert("x-api-key", KEY.parse().unwrap());
        request
    }

    #[test]
    fn requests_of_a_key_in_progress_are_limited_until_their_responses_are_read() {
        let layer = limit_of(1000);
        let mut all: Vec<Request> = (0..=IN_PROGRESS_MAX).map(|_| keyed_request()).collect();
        let mut last = all.pop().unwrap();
        assert!(all.iter_mut().all(|request| layer.on_request(request).is_ok()));
        let refused = layer.on_request(&mut last).unwrap_err();
        assert_eq!((refused.kind, layer.metrics.limited_by_key_concurrency.get()), (Kind::QuotaExceeded, 1));
        all.pop();
        assert!(layer.on_request(&mut last).is_ok());
    }

    #[tokio::test]
    async fn a_request_that_costs_several_is_charged_for_them_or_refused() {
        let layer = limit_of(9);
        let mut request = keyed_request();
        layer.on_request(&mut request).unwrap();
        let context = RequestContext::get(request.extensions()).unwrap();
        assert_eq!(charge(&layer.key_policy, context, 0, None).await.unwrap(), None);
        assert_eq!(charge(&layer.key_policy, context, 5, None).await.unwrap().unwrap().remaining, 3);
        assert_eq!(charge(&layer.key_policy, context, 4, None).await.unwrap_err().kind, Kind::QuotaExceeded);
        assert_eq!(
            charge(&layer.key_policy, context, 3, None).await.unwrap().unwrap().remaining,
            0,
            "nothing was charged for the refused one"
        );
        // More than a burst costs a whole one, which somebody who waited has.
        for burst in [9, 2, 1] {
            let layer = limit_of(burst);
            let mut request = keyed_request();
            layer.on_request(&mut request).unwrap();
            let context = RequestContext::get(request.extensions()).unwrap();
            assert_eq!(
                charge(&layer.key_policy, context, 1000, None).await.unwrap().unwrap().remaining,
                0,
                "{burst}"
            );
        }
    }
}
