//! The address of the client: the peer of the socket, or the address that a trusted proxy forwards.
//!
//! A forwarded header is trusted hop by hop from the right, as long as a configured proxy added the hop. The client may have
//! written everything further left.

use std::net::IpAddr;
use std::sync::Arc;

use config::ClientAddressHeader;
use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// Most hops that are followed.
const HOPS_MAX: usize = 20;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of proxies that are trusted to name the client, and the header in which they do. None by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies {
    networks: Arc<[IpNet]>,
    header: ClientAddressHeader,
}

impl TrustedProxies {
    /// Ignores a network of all addresses, with which a client could claim any address. The configuration rejects it, too.
    pub(crate) fn new(networks: impl IntoIterator<Item = IpNet>, header: ClientAddressHeader) -> Self {
        let networks = networks.into_iter().filter(|network| network.prefix_len() > 0).collect();
        Self { networks, header }
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client's address, given the socket's peer and the request's headers.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.networks.is_empty() || !self.contains(peer) {
            return peer;
        }
        match self.header {
            ClientAddressHeader::XForwardedFor => {
                self.claimed(peer, hops(headers, X_FORWARDED_FOR), parse_address)
            }
            ClientAddressHeader::Forwarded => {
                self.claimed(peer, hops(headers, header::FORWARDED), parse_forwarded)
            }
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

/// The entries of all lines of one header, from the last to the first. Proxies add theirs at the end, whatever is before them.
fn hops(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    hops.take(HOPS_MAX).map(|hop| std::str::from_utf8(hop).unwrap_or_default().trim())
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
