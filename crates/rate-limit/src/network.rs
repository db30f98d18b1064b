//! The networks that an address is counted in.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

/// IPv6 networks of one length, with what one of them may do in multiples of what an address may. A wider one belongs to more
/// clients, or to one who rotates through the narrower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Name of the limit.
    pub name: &'static str,
    /// What the limit counts.
    pub network: &'static str,
    /// Length of the prefix in bits.
    pub prefix_length: u32,
    /// Requests, in multiples of those of an address.
    pub requests_factor: NonZeroU32,
    /// Open connections, in multiples of those of an address.
    pub connections_factor: usize,
}

const fn factor(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a factor is positive")
}

/// From narrow to wide. An IPv4 address is counted in the first tier alone.
pub static TIERS: [Tier; 3] = [
    // Clients usually have a whole /64.
    Tier {
        name: "address",
        network: "address",
        prefix_length: 64,
        requests_factor: factor(1),
        connections_factor: 1,
    },
    // What one customer usually gets.
    Tier {
        name: "site",
        network: "IPv6 /48",
        prefix_length: 48,
        requests_factor: factor(16),
        connections_factor: 4,
    },
    // What a registry allocates to a network operator, or to whoever asks for it.
    Tier {
        name: "allocation",
        network: "IPv6 /32",
        prefix_length: 32,
        requests_factor: factor(256),
        connections_factor: 8,
    },
];

/// An IPv4 address, or an IPv6 network of a [`Tier`]. Displayed as an address or a /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(u128);

impl Network {
    /// This network and the wider ones that contain it, in the order of [`TIERS`]. An IPv4 address has no wider ones.
    pub fn tiers(self) -> impl Iterator<Item = Self> {
        let wider = TIERS[1..].iter().map(move |tier| Self(self.0 & mask(tier.prefix_length)));
        std::iter::once(self).chain(wider.take_while(|network| network.0 != 0))
    }

    /// The network's bits, as a table's key.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Ipv6Addr::from_bits(self.0).to_ipv4_mapped() {
            Some(address) => address.fmt(formatter),
            None => write!(formatter, "{}/{}", Ipv6Addr::from_bits(self.0), TIERS[0].prefix_length),
        }
    }
}

fn mask(prefix_length: u32) -> u128 {
    u128::MAX << (u128::BITS - prefix_length)
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() & mask(TIERS[0].prefix_length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_are_grouped_by_64_48_and_32_and_ipv4_addresses_are_not() {
        let tiers = |text: &str| Network::from(text.parse::<IpAddr>().unwrap()).tiers().collect::<Vec<_>>();
        let shared = |one: &str, other: &str| {
            tiers(one).iter().zip(&tiers(other)).map(|(one, other)| one == other).collect::<Vec<_>>()
        };
        assert_eq!(shared("2001:db8:1:2::3", "2001:db8:1:2:ffff::4"), [true, true, true]);
        assert_eq!(shared("2001:db8:1:2::3", "2001:db8:1:3::3"), [false, true, true]);
        assert_eq!(shared("2001:db8:1:2::3", "2001:db8:2:2::3"), [false, false, true]);
        assert_eq!(shared("2001:db8:1:2::3", "2001:db9:1:2::3"), [false, false, false]);
        assert_eq!(shared("192.0.2.1", "::ffff:192.0.2.1"), [true]);
        assert_eq!(shared("192.0.2.1", "192.0.2.2"), [false]);
        assert_eq!(tiers("192.0.2.1")[0].to_string(), "192.0.2.1");
        assert_eq!(tiers("2001:db8:1:2::3")[0].to_string(), "2001:db8:1:2::/64");
    }
}
