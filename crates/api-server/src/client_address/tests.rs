use http::HeaderValue;

use super::*;

fn client(proxies: &[&str], peer: &str, lines: &[(&'static str, &str)]) -> String {
    client_in(ClientAddressHeader::XForwardedFor, proxies, peer, lines)
}

fn client_in(
    header: ClientAddressHeader,
    proxies: &[&str],
    peer: &str,
    lines: &[(&'static str, &str)],
) -> String {
    let proxies = TrustedProxies::new(proxies.iter().map(|network| network.parse().unwrap()), header);
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    proxies.client(peer.parse().unwrap(), &headers).to_string()
}

const XFF: &str = "x-forwarded-for";

#[test]
fn no_proxy_is_trusted_by_default() {
    assert_eq!(client(&[], "192.0.2.1", &[(XFF, "198.51.100.9")]), "192.0.2.1");
    assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &[(XFF, "198.51.100.9")]), "192.0.2.1");
}

#[test]
fn hops_are_trusted_up_to_the_first_that_is_not_a_proxy() {
    for (claim, expected) in [
        (&[(XFF, "198.51.100.9")][..], "198.51.100.9"),
        (&[(XFF, "1.2.3.4, 198.51.100.9")], "198.51.100.9"),
        (&[(XFF, "1.2.3.4,198.51.100.9, 10.0.0.2")], "198.51.100.9"),
        (&[(XFF, "1.2.3.4"), (XFF, "198.51.100.9")], "198.51.100.9"),
        (&[(XFF, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        (&[(XFF, "1.2.3.4, nonsense, 10.0.0.2")], "10.0.0.2"),
        (&[(XFF, "1.2.3.4, ")], "10.0.0.1"),
        (&[(XFF, "1.2.3.4, 198.51.100.9:4711")], "198.51.100.9"),
        (&[(XFF, "[2001:db8::1]:80")], "2001:db8::1"),
        (&[(XFF, "[2001:db8::1]")], "2001:db8::1"),
        (&[(XFF, "::ffff:198.51.100.9")], "198.51.100.9"),
        (&[(XFF, "1.2.3.4\u{e9}")], "10.0.0.1"),
        // A client cannot hide behind what precedes the proxy's own entry.
        (&[(XFF, "\u{e9}, 198.51.100.9")], "198.51.100.9"),
        (&[(XFF, "198.51.100.9"), ("forwarded", "for=1.2.3.4")], "198.51.100.9"),
        (&[("forwarded", "for=1.2.3.4")], "10.0.0.1"),
        (&[("x-real-ip", "1.2.3.4")], "10.0.0.1"),
        (&[], "10.0.0.1"),
    ] {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", claim), expected, "{claim:?}");
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", claim), expected, "mapped: {claim:?}");
    }
}

#[test]
fn the_other_header_is_read_if_it_is_configured() {
    for (claim, expected) in [
        ("for=1.2.3.4, for=\"[2001:db8::9]:1\";proto=https", "2001:db8::9"),
        ("proto=https;For=198.51.100.9", "198.51.100.9"),
        ("for=_hidden", "10.0.0.1"),
    ] {
        let lines = [("forwarded", claim), (XFF, "1.2.3.4")];
        let found = client_in(ClientAddressHeader::Forwarded, &["10.0.0.0/8"], "10.0.0.1", &lines);
        assert_eq!(found, expected, "{claim}");
    }
}

#[test]
fn a_long_claim_does_not_hide_the_entry_of_the_proxy() {
    let proxies = vec!["10.0.0.9"; 30].join(",");
    assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[(XFF, &["1.2.3.4,", &proxies].concat())]), "10.0.0.9");
    let long = [&vec!["1.2.3.4"; 1000].join(","), ", 198.51.100.9"].concat();
    assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[(XFF, &long)]), "198.51.100.9");
}

#[test]
fn a_network_of_every_address_is_never_trusted() {
    assert_eq!(client(&["0.0.0.0/0", "::/0"], "192.0.2.1", &[(XFF, "198.51.100.9")]), "192.0.2.1");
}
