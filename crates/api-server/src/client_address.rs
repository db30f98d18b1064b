//! The address of the client: the peer of the socket, or the address that a trusted proxy forwards.
//!
//! A forwarded header is trusted hop by hop from the right, as long as a configured proxy added the hop. The client may have
//! written everything further left.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

/// Most hops that are followed.
const HOPS_MAX: usize = 20;
/// Most bytes of a forwarded header; longer ones are ignored.
const CLAIM_BYTES_MAX: usize = 1024;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of proxies whose forwarded headers are trusted. None by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Ignores a network of all addresses, with which a client could claim any address. The configuration rejects it, too.
    pub(crate) fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().filter(|network| network.prefix_len() > 0).collect())
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address, given the socket's peer and the request's headers.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.0.is_empty() || !self.contains(peer) {
            return peer;
        }
        let claim = |name, parse_hop: fn(&str) -> Option<IpAddr>| {
            headers.contains_key(&name).then(|| self.claimed(peer, hops(headers, name), parse_hop))
        };
        match (claim(X_FORWARDED_FOR, parse_address), claim(header::FORWARDED, parse_forwarded)) {
            // A proxy sets one of the two headers and forwards the client's own value of the other. If they differ,
            // neither is trusted.
            (Some(one), Some(other)) if one != other => peer,
            (Some(claim), _) | (None, Some(claim)) => claim,
            (None, None) => peer,
        }
    }

    /// The first hop from the right that is not a trusted proxy, else the leftmost that can be parsed.
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
    let lines = lines.into_iter().rev().take(if is_short { HOPS_MAX } else { 0 });
    lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).take(HOPS_MAX).map(str::trim)
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
    let parse_parameter = |parameter: &str| -> Option<IpAddr> {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| parse_address(value.trim_matches('"')))?
    };
    element.split(';').find_map(parse_parameter)
}

#[cfg(test)]
mod tests;
