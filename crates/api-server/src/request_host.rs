//! Whether a request was sent to a name that anybody can register. Where no API key is needed, such a request is refused: a web page
//! may have let its own name lead to this machine, to read with the browser of a developer what only local clients may read.

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;

/// Names that nobody can register: RFC 6761, and ICANN's for private use, such as `host.docker.internal`.
const RESERVED: [&str; 3] = [".localhost", ".test", ".internal"];

/// Names without a dot are those of containers and of this machine. Without a host, which HTTP/1.0 allows, no browser has sent it.
pub(crate) fn is_public_name(request: &Request) -> bool {
    let header = || request.headers().get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let Some(authority) = request.uri().authority().cloned().or_else(header) else { return false };
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let is_address = name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    !is_address && name.contains('.') && !RESERVED.iter().any(|reserved| name.ends_with(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_can_be_registered_are_public() {
        let local = ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "172.18.0.3:3000", "api-server:3000"];
        let local = local.into_iter().chain(["host.docker.internal:3000", "A.LOCALHOST", "a.test."]);
        let public =
            ["attacker.example:3000", "attacker.example.", "127.0.0.1.attacker.example", "test.example"];
        for (host, expected) in local.map(|host| (host, false)).chain(public.map(|host| (host, true))) {
            let by_header = Request::builder().header("host", host).body(axum::body::Body::empty()).unwrap();
            let by_target = Request::builder().uri(format!("http://{host}/")).body(axum::body::Body::empty());
            assert_eq!(is_public_name(&by_header), expected, "{host}");
            assert_eq!(is_public_name(&by_target.unwrap()), expected, "{host}");
        }
        assert!(!is_public_name(&Request::default()));
    }
}
