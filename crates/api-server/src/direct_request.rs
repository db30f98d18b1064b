//! Whether a request comes straight from a client of this server. Where no API key is needed, others are refused: a proxy on this
//! machine forwards requests of anybody, and a web page may let its own name lead here, to read what only local clients may.
//!
//! A proxy that changes neither the host nor any header cannot be noticed: behind one, set API keys.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

/// Headers that proxies and content delivery networks add; those that begin with `x-forwarded` are not listed.
const FORWARDING_HEADERS: [&str; 14] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-envoy-external-address",
    "x-amzn-trace-id",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "cdn-loop",
];

/// Names that nobody can register: RFC 6761, and ICANN's for private use, such as `host.docker.internal`.
const RESERVED: [&str; 3] = [".localhost", ".test", ".internal"];

const FORWARDED: &str = "without an API key, requests with headers of a proxy are refused: set API_KEYS on a server behind a proxy";
const FOREIGN_HOST: &str = "without an API key, only requests to localhost or to the address of this server are allowed, such as \
                            http://localhost:3000: use that, add the host to ALLOWED_HOSTS, or set API_KEYS";

/// The check, with the hosts that are also ours.
#[derive(Clone, Debug)]
pub(crate) struct DirectRequests {
    allowed_hosts: Arc<[String]>,
}

impl DirectRequests {
    /// The hosts are in lower case, without a port and without a dot at the end.
    pub(crate) fn new(allowed_hosts: &[String]) -> Self {
        Self { allowed_hosts: allowed_hosts.into() }
    }

    pub(crate) fn check(&self, request: &Request) -> Result<(), Problem> {
        let refused = |detail| Err(Problem::new(Kind::Forbidden, detail));
        if request.headers().keys().any(is_forwarding) {
            return refused(FORWARDED);
        }
        let context = RequestContext::get(request.extensions()).ok();
        let local = context.and_then(|context| context.connection.local_ip());
        let is_ours = |authority: Option<Authority>| authority.is_some_and(|one| self.is_ours(&one, local));
        // Over HTTP/2 both may be present. Without any, which HTTP/1.0 allows, no browser has sent it.
        let mut named = hosts(request.headers()).chain(request.uri().authority().cloned().map(Some));
        if named.all(is_ours) { Ok(()) } else { refused(FOREIGN_HOST) }
    }

    fn is_ours(&self, authority: &Authority, local: Option<IpAddr>) -> bool {
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if self.allowed_hosts.contains(&name) {
            return true;
        }
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                // The unspecified address leads to this machine, as a loopback address does.
                address.is_loopback() || address.is_unspecified() || Some(address) == local
            }
            Err(_) => name == "localhost" || RESERVED.iter().any(|reserved| name.ends_with(reserved)),
        }
    }
}

/// `None` for a value that is not a host.
fn hosts(headers: &HeaderMap) -> impl Iterator<Item = Option<Authority>> {
    let parse = |value: &HeaderValue| value.to_str().ok()?.parse().ok();
    headers.get_all(HOST).into_iter().map(parse)
}

fn is_forwarding(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded") || FORWARDING_HEADERS.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use strict_http1::Connection;

    use super::*;

    const LOCAL: &str = "172.18.0.3:3000";

    fn is_direct(builder: http::request::Builder) -> bool {
        let mut request = builder.body(Body::empty()).unwrap();
        let connection = Connection::new("172.18.0.1:50000".parse().unwrap());
        let connection = connection.with_local(LOCAL.parse().unwrap());
        RequestContext::attach(&mut request, Arc::new(connection));
        DirectRequests::new(&["api-server".to_owned()]).check(&request).is_ok()
    }

    #[test]
    fn only_hosts_that_lead_nowhere_else_are_ours() {
        let ours = [
            "localhost:3000",
            "127.0.0.1:3000",
            "127.9.9.9",
            "0.0.0.0:3000",
            "[::1]:3000",
            "[::ffff:127.0.0.1]",
            LOCAL,
        ];
        let ours = ours.into_iter().chain([
            "API-server:3000",
            "host.docker.internal:3000",
            "A.LOCALHOST",
            "a.test.",
        ]);
        let foreign =
            ["attacker.example:3000", "attacker.example.", "127.0.0.1.attacker.example", "other:3000"];
        let foreign = foreign.into_iter().chain(["192.168.1.5:3000", "203.0.113.9", "[2001:db8::1]"]);
        let foreign = foreign.chain(["api-server.attacker.example", "localhost.attacker.example"]);
        for (host, expected) in ours.map(|host| (host, true)).chain(foreign.map(|host| (host, false))) {
            let target = format!("http://{host}/");
            assert_eq!(is_direct(Request::builder().header("host", host)), expected, "{host}");
            assert_eq!(is_direct(Request::builder().uri(&target)), expected, "{host}");
            let both = Request::builder().uri("http://localhost/").header("host", host);
            assert_eq!(is_direct(both), expected, "{host}");
        }
        assert!(is_direct(Request::builder()), "HTTP/1.0");
        assert!(!is_direct(Request::builder().header("host", "a b")));
    }

    #[test]
    fn no_header_of_a_proxy_passes() {
        let by_prefix =
            ["x-forwarded", "x-forwarded-for", "x-forwarded-host", "X-Forwarded-Proto", "x-forwarded-port"];
        for name in FORWARDING_HEADERS.into_iter().chain(by_prefix) {
            assert!(
                !is_direct(Request::builder().header("host", "localhost").header(name, "127.0.0.1")),
                "{name}"
            );
        }
        assert!(is_direct(Request::builder().header("host", "localhost").header("accept", "*/*")));
    }
}
