//! How many connections may be open at once, in total and from one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rate_limit::{Network, TIERS};

use crate::client_address::TrustedProxies;

/// The open connections. The map holds only networks with an open connection, so it is bounded by `total_max` of each tier.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    total_max: usize,
    per_address_max: usize,
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    /// By index in [`TIERS`] and network.
    by_network: HashMap<(usize, Network), usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitHit {
    Total,
    Address,
}

/// One open connection; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: Arc<ConnectionLimits>,
    network: Option<Network>,
}

impl ConnectionLimits {
    /// At most `total_max` connections, `per_address_max` of them from one address (IPv6: one /64), and more from the wider
    /// networks of [`TIERS`]. A trusted proxy carries many clients, so only the first limit applies to it.
    pub(crate) fn new(total_max: usize, per_address_max: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { total_max, per_address_max, proxies, open: Mutex::default() })
    }

    pub(crate) fn acquire(self: &Arc<Self>, peer: IpAddr) -> Result<Permit, LimitHit> {
        let network = (!self.proxies.contains(peer)).then(|| Network::from(peer));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.total_max {
            return Err(LimitHit::Total);
        }
        if !tiers(network).all(|key| self.has_room(&open, key)) {
            return Err(LimitHit::Address);
        }
        for key in tiers(network) {
            *open.by_network.entry(key).or_default() += 1;
        }
        open.total += 1;
        Ok(Permit { limits: Arc::clone(self), network })
    }

    fn has_room(&self, open: &Open, key: (usize, Network)) -> bool {
        let max = self.per_address_max.saturating_mul(TIERS[key.0].connections_factor);
        open.by_network.get(&key).is_none_or(|from_network| *from_network < max)
    }

    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        for key in tiers(self.network) {
            if let Entry::Occupied(mut from_network) = open.by_network.entry(key) {
                *from_network.get_mut() -= 1;
                if *from_network.get() == 0 {
                    from_network.remove();
                }
            }
        }
    }
}

/// The keys of this network and the wider ones.
fn tiers(network: Option<Network>) -> impl Iterator<Item = (usize, Network)> {
    network.into_iter().flat_map(|network| network.tiers().enumerate())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_use_every_connection_and_a_closed_connection_makes_room() {
        let limits = ConnectionLimits::new(4, 2, TrustedProxies::default());
        let first = limits.acquire(address("192.0.2.1")).unwrap();
        let _second = limits.acquire(address("192.0.2.1")).unwrap();
        assert_eq!(limits.acquire(address("192.0.2.1")).unwrap_err(), LimitHit::Address);
        drop(first);
        let _third = limits.acquire(address("192.0.2.1")).unwrap();
        let _a = limits.acquire(address("192.0.2.2")).unwrap();
        let _b = limits.acquire(address("192.0.2.3")).unwrap();
        assert_eq!(limits.acquire(address("192.0.2.4")).unwrap_err(), LimitHit::Total);
        assert_eq!(limits.open(), 4);
    }

    #[test]
    fn an_ipv6_client_cannot_escape_its_limit_by_changing_its_last_64_bits() {
        let limits = ConnectionLimits::new(9, 1, TrustedProxies::default());
        let _permit = limits.acquire(address("2001:db8::1")).unwrap();
        assert_eq!(limits.acquire(address("2001:db8::ffff")).unwrap_err(), LimitHit::Address);
        assert!(limits.acquire(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn an_ipv6_client_with_many_networks_leaves_room_for_others() {
        let limits = ConnectionLimits::new(100, 1, TrustedProxies::default());
        let mut open = Vec::new();
        let mut acquire_all = |network: fn(u16) -> String| {
            let before = open.len();
            open.extend((0..20).filter_map(|number| limits.acquire(address(&network(number))).ok()));
            open.len() - before
        };
        assert_eq!(acquire_all(|number| format!("2001:db8:1:{number:x}::1")), 4, "of one /48");
        assert_eq!(
            acquire_all(|number| format!("2001:db8:f{number:x}::1")),
            4,
            "of one /32, less those of its /48"
        );
        assert_eq!(acquire_all(|number| format!("2001:{number:x}::1")), 20);
        drop(open);
        assert!(limits.open.lock().unwrap().by_network.is_empty());
    }

    #[test]
    fn only_the_total_limit_applies_to_a_trusted_proxy() {
        let limits = ConnectionLimits::new(
            3,
            1,
            TrustedProxies::new(["10.0.0.0/8".parse().unwrap()], Default::default()),
        );
        let _permits = [(); 2].map(|()| limits.acquire(address("10.0.0.1")).unwrap());
        assert_eq!(limits.open(), 2);
    }
}
