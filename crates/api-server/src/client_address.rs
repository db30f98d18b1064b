//! Who the client is: the socket's other end, or what a trusted proxy says of it.
//!
//! A forwarded header is a claim. It is believed only hop by hop from the right, as long as the hop that made it is a
//! configured proxy; everything further left was written by the client itself.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

/// Hops that are followed at most.
const HOPS_MAX: usize = 20;
/// Bytes of all forwarded header lines that are read at most; a longer claim is ignored.
const CLAIM_BYTES_MAX: usize = 1024;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses of proxies whose forwarded headers are believed. None by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Proxies in these networks. A network of every address is left out, because then any client could claim to be
    /// any other; the configuration refuses it by name.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().filter(|network| network.prefix_len() > 0).collect())
    }

    /// Whether none is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address, given the socket's peer and the request's headers.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.0.is_empty() || !self.contains(peer) {
            return peer;
        }
        let said = |name, parse_hop: fn(&str) -> Option<IpAddr>| {
            headers.contains_key(&name).then(|| self.claimed(peer, hops(headers, name), parse_hop))
        };
        match (said(X_FORWARDED_FOR, parse_address), said(header::FORWARDED, parse_forwarded)) {
            // A proxy writes one of the two and passes on what the client wrote in the other: which is which is not
            // known, so where they differ neither is believed.
            (Some(one), Some(other)) if one != other => peer,
            (Some(claim), _) | (None, Some(claim)) => claim,
            (None, None) => peer,
        }
    }

    /// The first hop from the right that is no trusted proxy, else the last that can be read.
    fn claimed<'a>(
        &self,
        peer: IpAddr,
        hops: impl Iterator<Item = &'a str>,
        parse_hop: fn(&str) -> Option<IpAddr>,
    ) -> IpAddr {
        let mut client = peer;
        for hop in hops {
            match parse_hop(hop) {
                Some(address) if self.contains(address) => client = address,
                Some(address) => return address,
                None => return client,
            }
        }
        client
    }
}

/// The entries of all lines of one header, from the last to the first.
fn hops(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name);
    let is_short = lines.iter().map(HeaderValue::len).sum::<usize>() <= CLAIM_BYTES_MAX;
    let readable = lines.into_iter().rev().take(if is_short { HOPS_MAX } else { 0 });
    readable.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).take(HOPS_MAX).map(str::trim)
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

/// The `for` parameter of one element of `Forwarded` (RFC 7239 §4).
fn parse_forwarded(element: &str) -> Option<IpAddr> {
    let of_parameter = |parameter: &str| -> Option<IpAddr> {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| parse_address(value.trim_matches('"')))?
    };
    element.split(';').find_map(of_parameter)
}

/// What counts as one client: an IPv4 address, or an IPv6 /64, because whoever has one address of it has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(u128);

impl Network {
    /// The network of this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() & (u128::MAX << 64)),
        }
    }

    /// The /48 around an IPv6 network, which one customer can hold; IPv4 has no such thing.
    #[must_use]
    pub fn site(self) -> Option<Self> {
        let site = self.0 & (u128::MAX << 80);
        (site != 0).then_some(Self(site))
    }

    /// Its bits, as a table's key.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests;
