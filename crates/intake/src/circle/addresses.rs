//! The addresses that Circle sends from. They prove nothing; they only select the quota of a fetch.

use std::net::{IpAddr, Ipv4Addr};

/// Addresses that Circle publishes (developers.circle.com/wallets/webhook-notifications and the pages on CPN and StableFX).
const ADDRESSES: [Ipv4Addr; 8] = [
    // Wallets, contracts, gateway.
    Ipv4Addr::new(54, 243, 112, 156),
    Ipv4Addr::new(100, 24, 191, 35),
    Ipv4Addr::new(54, 165, 52, 248),
    Ipv4Addr::new(54, 87, 106, 46),
    // The payments network, StableFX.
    Ipv4Addr::new(35, 169, 154, 32),
    Ipv4Addr::new(3, 90, 127, 28),
    Ipv4Addr::new(3, 230, 111, 7),
    Ipv4Addr::new(54, 88, 227, 75),
];

/// Whether Circle sends from this address.
pub(super) fn contain(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => ADDRESSES.contains(&address),
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_circle_are_recognized() {
        for (address, expected) in [
            ("54.243.112.156", true),
            ("::ffff:54.88.227.75", true),
            ("54.243.112.157", false),
            ("192.0.2.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(contain(address.parse().unwrap()), expected, "{address}");
        }
    }
}
