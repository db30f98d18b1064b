//! Limits by client address that replicas share. Addresses with few requests are counted on each replica, so that Redis knows busy ones only.

use std::net::IpAddr;
use std::sync::Arc;

use rate_limit::{Capacity, ColdAddresses, Exceeded, Limit, LimitStatus, Network, TIERS};

use crate::limits::{Checked, Id, SharedLimits, Undecided};

/// One limit by address, and those of the wider networks; its clones share it.
#[derive(Clone, Debug)]
pub struct SharedAddresses(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: SharedLimits,
    /// The name of the limit in Redis.
    name: &'static str,
    /// In the order of [`TIERS`].
    tiers: [Limit; TIERS.len()],
    cold: ColdAddresses,
}

/// Whether a request is allowed. The status is that of the first tier.
#[derive(Debug)]
pub enum CheckedAddress {
    /// It is.
    Allowed(LimitStatus),
    /// It is not.
    Exceeded(Exceeded),
    /// Redis decides.
    Undecided(UndecidedAddress),
}

/// A request about which Redis decides.
#[derive(Debug)]
pub struct UndecidedAddress {
    addresses: SharedAddresses,
    undecided: Undecided,
    tier: usize,
    /// Of the first tier, if that is decided.
    status: Option<LimitStatus>,
    network: Network,
}

impl SharedAddresses {
    /// `name` is that of the limit in Redis.
    #[must_use]
    pub fn new(limits: SharedLimits, name: &'static str, limit: Limit, capacity: Capacity) -> Self {
        let tiers = TIERS.each_ref().map(|tier| limit.for_tier(tier));
        Self(Arc::new(Inner { limits, name, tiers, cold: ColdAddresses::new(capacity) }))
    }

    /// Counts a request from this address.
    #[must_use]
    pub fn check(&self, address: IpAddr) -> CheckedAddress {
        self.check_from(Network::from(address), 0, None)
    }

    fn check_from(&self, network: Network, first: usize, mut status: Option<LimitStatus>) -> CheckedAddress {
        for (tier, wider) in network.tiers().enumerate().skip(first) {
            match self.check_tier(tier, wider) {
                Checked::Allowed(allowed) => _ = status.get_or_insert(allowed),
                Checked::Exceeded(status) => return CheckedAddress::Exceeded(Exceeded { tier, status }),
                Checked::Undecided(undecided) => {
                    let addresses = self.clone();
                    return CheckedAddress::Undecided(UndecidedAddress {
                        addresses,
                        undecided,
                        tier,
                        status,
                        network,
                    });
                }
            }
        }
        CheckedAddress::Allowed(status.unwrap_or(LimitStatus { remaining: 0, reset_s: 1 }))
    }

    fn check_tier(&self, tier: usize, network: Network) -> Checked {
        let Inner { limits, name, tiers, cold } = &*self.0;
        let (id, limit) = (Id::Network(name, tier, network.to_bits()), tiers[tier]);
        if let Some(checked) = limits.check_known_network(id) {
            return checked;
        }
        let moment = limits.moment();
        let spent = match cold.check(tier, network, limit, moment) {
            Ok(status) => return Checked::Allowed(status),
            Err(spent) => spent,
        };
        if let Some(checked) = limits.check_network(id, limit, spent) {
            cold.forget(tier, network);
            return checked;
        }
        // The table is full.
        match cold.check_share(tier, network, (limit, spent), moment) {
            Ok(status) => Checked::Allowed(status),
            Err(status) => Checked::Exceeded(status),
        }
    }
}

impl UndecidedAddress {
    /// The decision, after a short wait at most for each tier.
    ///
    /// # Errors
    /// A limit is exceeded.
    pub async fn decide(self) -> Result<LimitStatus, Exceeded> {
        let Self { addresses, mut undecided, mut tier, mut status, network } = self;
        loop {
            let decided = undecided.decide().await.map_err(|status| Exceeded { tier, status })?;
            let first = *status.get_or_insert(decided);
            match addresses.check_from(network, tier + 1, Some(first)) {
                CheckedAddress::Allowed(status) => return Ok(status),
                CheckedAddress::Exceeded(exceeded) => return Err(exceeded),
                CheckedAddress::Undecided(next) => (undecided, tier) = (next.undecided, next.tier),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use secrets::{Catalogue, Profile, Secrets};
    use telemetry::metrics::{Labels, Metrics};

    use super::*;
    use crate::Redis;

    /// The limits of one of two replicas, whose Redis never answers and whose table has room for one address.
    async fn limits() -> SharedLimits {
        let environment = [("REDIS_HOST", "redis.invalid")].into_iter().collect();
        let (config, _) = config::load_all(&environment);
        let clock: secrets::Clock = Arc::new(|| telemetry::Clock::System.now().into());
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::builder(Profile::Development, Catalogue::product(), clock)
            .local(environment, directory.path());
        let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
        let redis = Redis::new(&config.redis, &secrets.build().await.unwrap(), &metrics).unwrap().unwrap();
        SharedLimits::with_addresses_max(redis, 2, 1).unwrap()
    }

    #[tokio::test]
    async fn an_address_for_which_the_table_has_no_room_has_its_replicas_part_of_the_limit() {
        let number = |number| NonZeroU32::new(number).unwrap();
        // A request each minute: none is earned during the test.
        for (burst, allowed) in [(20, 10), (3, 1), (1, 1)] {
            let limit = Limit { per_minute: number(1), burst: number(burst) };
            let addresses = SharedAddresses::new(limits().await, "test", limit, Capacity::FewClients);
            for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
                let mut results = (0..200).map(|_| addresses.check(address.parse().unwrap()));
                let is_allowed = |checked: &CheckedAddress| matches!(checked, CheckedAddress::Allowed(_));
                assert_eq!(
                    results.by_ref().take(100).filter(is_allowed).count(),
                    allowed,
                    "{burst}: {address}"
                );
                let last = results.next_back().unwrap();
                let CheckedAddress::Exceeded(Exceeded { tier: 0, status }) = last else { panic!("{last:?}") };
                assert!((50..=120).contains(&status.reset_s), "{burst}: {address}: {status:?}");
            }
        }
    }
}
