//! Who makes us ask: whoever sends deliveries decides which documents are looked for, before anything is proved.
//!
//! The fetcher's own bound is one for all. Without a share for each client, one stranger with made-up names could use
//! all of it for ever, and a provider's new key could never be fetched.

use std::net::IpAddr;
use std::num::NonZeroU32;

use super::fetch::FetchError;
use crate::layers::rate_limit::{AddressLimit, Config};
use crate::metrics::Fetches;

/// What one client can make us ask for: a provider needs one document in months.
const SHARE: Config = Config {
    per_minute: NonZeroU32::new(4).expect("4 is not 0"),
    burst: NonZeroU32::new(8).expect("8 is not 0"),
};

/// The clients who made us ask.
#[derive(Debug)]
pub(super) struct Askers(AddressLimit);

impl Askers {
    /// Nobody yet; refusals are counted as capped.
    pub(super) fn new(fetches: &Fetches) -> Self {
        Self(AddressLimit::of_fetches(SHARE, &fetches.capped))
    }

    /// One document more for this client; an operator, who has a key, has no address here.
    ///
    /// # Errors
    /// [`FetchError::Capped`] when it has had its share.
    pub(super) fn turn(&self, asker: Option<IpAddr>) -> Result<(), FetchError> {
        let Some(address) = asker else { return Ok(()) };
        self.0.admit(address).map_err(|retry_after_s| FetchError::Capped { retry_after_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn one_stranger_uses_up_a_share_and_not_that_of_others() {
        let metrics = Metrics::new([]).unwrap();
        let askers = Askers::new(&metrics.deliveries.circle_keys);
        let turns = |address: &str, count: usize| {
            let address = address.parse().unwrap();
            (0..count).filter(|_| askers.turn(Some(address)).is_ok()).count()
        };
        assert_eq!(turns("192.0.2.1", 1000), 8);
        assert_eq!(turns("198.51.100.1", 1), 1, "the provider");
        assert_eq!(metrics.deliveries.circle_keys.capped.get(), 992);
        // Whoever has one address of a /64 has all of them.
        assert_eq!((0..100).map(|host| turns(&format!("2001:db8::{host:x}"), 1)).sum::<usize>(), 8);
        assert!((0..1000).all(|_| askers.turn(None).is_ok()));
    }
}
