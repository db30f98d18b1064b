//! How many connections may be open at once, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client_address::{Network, TrustedProxies};

/// The open connections. The map holds only addresses that have one open, so it is bounded by the cap in all.
#[derive(Debug)]
pub struct Caps {
    total_max: usize,
    per_address_max: usize,
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_network: HashMap<Network, usize>,
}

/// Which cap a connection would have exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The cap of all connections together.
    Total,
    /// The cap of one address.
    Address,
}

/// One open connection; dropping it makes room.
#[derive(Debug)]
pub struct Slot {
    caps: Arc<Caps>,
    counted: Option<Network>,
}

impl Caps {
    /// At most `total_max` connections, `per_address_max` of them from one address (IPv6: one /64). A trusted proxy
    /// carries many clients, so only the first cap holds for it.
    #[must_use]
    pub fn new(total_max: usize, per_address_max: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { total_max, per_address_max, proxies, open: Mutex::default() })
    }

    /// Room for one more connection from this address.
    ///
    /// # Errors
    /// The cap that is reached.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Slot, Over> {
        let counted = (!self.proxies.contains(peer)).then(|| Network::of(peer));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.total_max {
            return Err(Over::Total);
        }
        if let Some(network) = counted {
            let from_network = open.by_network.entry(network).or_default();
            if *from_network >= self.per_address_max {
                return Err(Over::Address);
            }
            *from_network += 1;
        }
        open.total += 1;
        Ok(Slot { caps: Arc::clone(self), counted })
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.caps.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        let Some(network) = self.counted else { return };
        if let Some(from_network) = open.by_network.get_mut(&network) {
            *from_network -= 1;
            if *from_network == 0 {
                open.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_every_connection_and_a_closed_one_makes_room() {
        let caps = Caps::new(4, 2, TrustedProxies::default());
        let first = caps.admit(address("192.0.2.1")).unwrap();
        let _second = caps.admit(address("192.0.2.1")).unwrap();
        assert_eq!(caps.admit(address("192.0.2.1")).unwrap_err(), Over::Address);
        drop(first);
        let _third = caps.admit(address("192.0.2.1")).unwrap();
        let _a = caps.admit(address("192.0.2.2")).unwrap();
        let _b = caps.admit(address("192.0.2.3")).unwrap();
        assert_eq!(caps.admit(address("192.0.2.4")).unwrap_err(), Over::Total);
        assert_eq!(caps.open(), 4);
    }

    #[test]
    fn an_ipv6_client_cannot_escape_its_cap_by_changing_its_last_64_bits() {
        let caps = Caps::new(9, 1, TrustedProxies::default());
        let _slot = caps.admit(address("2001:db8::1")).unwrap();
        assert_eq!(caps.admit(address("2001:db8::ffff")).unwrap_err(), Over::Address);
        assert!(caps.admit(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_trusted_proxy_is_held_to_the_total_alone() {
        let caps = Caps::new(3, 1, TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]));
        let _slots = [caps.admit(address("10.0.0.1")).unwrap(), caps.admit(address("10.0.0.1")).unwrap()];
        assert_eq!(caps.open(), 2);
    }
}
