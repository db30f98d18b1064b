//! Limits how many documents one client can make the server fetch: a sender names a document before it is verified.
//!
//! All clients share the fetcher's own limit. Without a limit per client, one unknown sender could use it up with invented
//! names, and a provider's new key could never be fetched.

use std::net::IpAddr;
use std::num::NonZeroU32;

use prometheus::IntCounter;
use rate_limit::{AddressLimiter, Capacity, Limit};
use telemetry::metrics::FetchMetrics;

use crate::fetcher::FetchError;

/// Fetches for one client. A provider needs one document in months.
const SHARE: Limit = Limit {
    per_minute: NonZeroU32::new(4).expect("4 is not 0"),
    burst: NonZeroU32::new(8).expect("8 is not 0"),
};

#[derive(Debug)]
pub(crate) struct FetchLimiter {
    limiter: AddressLimiter,
    limited: IntCounter,
}

impl FetchLimiter {
    pub(crate) fn new(metrics: &FetchMetrics) -> Self {
        Self { limiter: AddressLimiter::new(SHARE, Capacity::FewClients), limited: metrics.limited.clone() }
    }

    /// Counts one document for this client; `None` is an operator with an API key.
    pub(crate) fn check(&self, client: Option<IpAddr>) -> Result<(), FetchError> {
        let Some(address) = client else { return Ok(()) };
        let result = self.limiter.check(address).map(drop);
        result.map_err(|exceeded| {
            self.limited.inc();
            FetchError::Limited { retry_after_s: exceeded.status.reset_s }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::metrics::{Labels, Metrics};

    #[test]
    fn one_client_uses_up_its_share_and_not_that_of_others() {
        let metrics = Metrics::new(Labels::default()).unwrap();
        let limiter = FetchLimiter::new(&metrics.deliveries.circle_keys);
        let passed = |address: &str, count: usize| {
            let address = address.parse().unwrap();
            (0..count).filter(|_| limiter.check(Some(address)).is_ok()).count()
        };
        assert_eq!(passed("192.0.2.1", 1000), 8);
        assert_eq!(passed("198.51.100.1", 1), 1, "the provider");
        assert_eq!(metrics.deliveries.circle_keys.limited.get(), 992);
        // A client with one address of a /64 has all of them.
        assert_eq!((0..100).map(|host| passed(&format!("2001:db8::{host:x}"), 1)).sum::<usize>(), 8);
        assert!((0..1000).all(|_| limiter.check(None).is_ok()));
    }
}
