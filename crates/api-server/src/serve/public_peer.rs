//! Whether a peer proves that a port, said to be published on a loopback address only, is reachable from other networks.

use std::net::IpAddr;

/// Neither a loopback nor a private nor a link-local address, as container engines give to their gateways.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of RFC 1122, 1918, 3927, 4193 and 4291; and neighbours, documentation and shared (RFC 6598) addresses.
    #[test]
    fn only_loopback_private_and_link_local_addresses_are_not_public() {
        let local = ["127.0.0.1", "10.0.2.2", "172.17.0.1", "172.31.255.1", "192.168.65.1", "169.254.1.2"];
        let local = local.into_iter().chain(["::1", "fd00::1", "fe80::1", "::ffff:172.17.0.1"]);
        let public =
            ["172.32.0.1", "11.0.0.1", "203.0.113.9", "100.64.0.1", "2001:db8::1", "::ffff:203.0.113.9"];
        for (address, expected) in local.map(|address| (address, false)).chain(public.map(|one| (one, true)))
        {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
