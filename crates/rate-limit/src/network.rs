//! The network that counts as one client.

use std::net::IpAddr;

/// An IPv4 address or an IPv6 /64, because clients usually have a whole /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(u128);

impl Network {
    /// The /48 of an IPv6 network, which may belong to one customer; `None` for IPv4.
    #[must_use]
    pub fn site(self) -> Option<Self> {
        let site = self.0 & (u128::MAX << 80);
        (site != 0).then_some(Self(site))
    }

    /// The network's bits, as a table's key.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        self.0
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() & (u128::MAX << 64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_are_grouped_by_64_and_48() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:ffff::4"));
        assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
        assert_eq!(network("2001:db8:1:2::3").site(), network("2001:db8:1:3::3").site());
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1").site(), None);
    }
}
