//! The records of the domain: whether they lead to this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use config::check::Finding;

use super::{error, warning};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Any port: no packet is sent.
const PORT: u16 = 443;

/// What is known about the addresses of a domain.
#[derive(Debug, Default)]
struct Records {
    addresses: Vec<IpAddr>,
    /// Those that belong to this machine.
    own: Vec<IpAddr>,
    /// The address from which this machine would send to the first IPv4 address.
    source: Option<IpAddr>,
}

pub(super) async fn findings(domain: &str, publishes_ipv6: bool) -> Vec<Finding> {
    let lookup = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((domain, PORT))).await;
    let addresses: Vec<IpAddr> = match lookup {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    let own = addresses.iter().copied().filter(|address| UdpSocket::bind((*address, 0)).is_ok()).collect();
    let source = addresses.iter().find(|address| address.is_ipv4()).and_then(|address| source(*address));
    Records { addresses, own, source }.findings(domain, publishes_ipv6)
}

/// Connecting a UDP socket chooses a route and sends nothing.
fn source(address: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((address, PORT)).ok()?;
    socket.local_addr().ok().as_ref().map(SocketAddr::ip)
}

impl Records {
    fn findings(&self, domain: &str, publishes_ipv6: bool) -> Vec<Finding> {
        let error = |rule, message: String, remedy| error(rule, domain, message, remedy);
        let warning = |rule, message: String, remedy| warning(rule, domain, message, remedy);
        let create = "create an A record with the public IPv4 address of this machine";
        if self.addresses.is_empty() {
            return vec![error("dns", "does not resolve to an address".to_owned(), create)];
        }
        let ipv4 = self.addresses.iter().find(|address| address.is_ipv4());
        let ipv4 = match (ipv4, self.source) {
            (None, _) => Some(error("dns", "has no A record".to_owned(), create)),
            (Some(address), _) if address.is_loopback() => {
                let message = "is a loopback address on this machine, so that its records were not checked";
                Some(warning("dns_loopback", message.to_owned(), "remove it from /etc/hosts"))
            }
            (Some(_), _) if self.own.iter().any(IpAddr::is_ipv4) => None,
            (Some(address), Some(source)) if !is_private(source) => {
                Some(error("dns", format!("points to {address}, and this machine has {source}"), create))
            }
            // Behind NAT, or without a route.
            (Some(address), _) => {
                let message = format!(
                    "points to {address}; this machine has private addresses only, so that nothing says whether it is reached there"
                );
                let compare =
                    "compare it with the public address in the control panel of your hosting provider";
                Some(warning("dns_nat", message, compare))
            }
        };
        let ipv6 = self.addresses.iter().find(|address| address.is_ipv6() && !address.is_loopback());
        let ipv6 = ipv6.and_then(|address| {
            let problem = match publishes_ipv6 {
                false => "and the ports are published for IPv4 only",
                true if !self.own.contains(address) => "which is not an address of this machine",
                true => return None,
            };
            Some(error(
                "dns_ipv6",
                format!("has the AAAA record {address}, {problem}"),
                "remove the AAAA record",
            ))
        });
        ipv4.into_iter().chain(ipv6).collect()
    }
}

/// Whether a router translates the address: RFC 1918 and RFC 6598.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || address.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_lead_to_this_machine() {
        for (addresses, own, source, publishes_ipv6, expected) in [
            (&["203.0.113.5"][..], &["203.0.113.5"][..], "203.0.113.5", false, &[][..]),
            (&[], &[], "203.0.113.5", false, &["dns"]),
            (&["203.0.113.9"], &[], "203.0.113.5", false, &["dns"]),
            (&["203.0.113.9"], &[], "10.0.0.5", false, &["dns_nat"]),
            (&["203.0.113.9"], &[], "100.64.0.5", false, &["dns_nat"]),
            (&["127.0.1.1"], &["127.0.1.1"], "127.0.0.1", false, &["dns_loopback"]),
            (
                &["203.0.113.5", "2001:db8::5"],
                &["203.0.113.5", "2001:db8::5"],
                "203.0.113.5",
                false,
                &["dns_ipv6"],
            ),
            (&["203.0.113.5", "2001:db8::5"], &["203.0.113.5", "2001:db8::5"], "203.0.113.5", true, &[]),
            (&["203.0.113.5", "2001:db8::9"], &["203.0.113.5"], "203.0.113.5", true, &["dns_ipv6"]),
            (&["2001:db8::5"], &["2001:db8::5"], "203.0.113.5", true, &["dns"]),
        ] {
            let parse =
                |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
            let records =
                Records { addresses: parse(addresses), own: parse(own), source: source.parse().ok() };
            let rules: Vec<_> = records.findings("a.b", publishes_ipv6).iter().map(Finding::rule).collect();
            assert_eq!(rules, expected, "{records:?} {publishes_ipv6}");
        }
    }
}
