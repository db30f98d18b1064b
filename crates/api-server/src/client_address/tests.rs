use super::*;

fn client(proxies: &[&str], peer: &str, lines: &[(&'static str, &str)]) -> String {
    let proxies = TrustedProxies::new(proxies.iter().map(|network| network.parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    proxies.client(peer.parse().unwrap(), &headers).to_string()
}

const XFF: &str = "x-forwarded-for";

#[test]
fn nobody_is_believed_by_default() {
    assert_eq!(client(&[], "192.0.2.1", &[(XFF, "198.51.100.9")]), "192.0.2.1");
    assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &[(XFF, "198.51.100.9")]), "192.0.2.1");
}

#[test]
fn a_trusted_proxy_is_believed_up_to_the_first_hop_that_is_not_one() {
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
        (&[("forwarded", "for=1.2.3.4, for=\"[2001:db8::9]:1\";proto=https")], "2001:db8::9"),
        (&[("forwarded", "proto=https;For=198.51.100.9")], "198.51.100.9"),
        (&[("forwarded", "for=_hidden")], "10.0.0.1"),
        (&[(XFF, "198.51.100.9"), ("forwarded", "for=198.51.100.9")], "198.51.100.9"),
        (&[(XFF, "198.51.100.9"), ("forwarded", "for=1.2.3.4")], "10.0.0.1"),
        (&[("x-real-ip", "1.2.3.4")], "10.0.0.1"),
        (&[], "10.0.0.1"),
    ] {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", claim), expected, "{claim:?}");
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", claim), expected, "mapped: {claim:?}");
    }
}

#[test]
fn an_endless_claim_is_not_followed() {
    let long = vec!["10.0.0.9"; 30].join(",");
    assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[(XFF, &["1.2.3.4,", &long].concat())]), "10.0.0.9");
    let longer = vec!["1.2.3.4"; 200].join(",");
    assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[(XFF, &longer)]), "10.0.0.1");
}

#[test]
fn a_network_of_every_address_is_never_trusted() {
    assert_eq!(client(&["0.0.0.0/0", "::/0"], "192.0.2.1", &[(XFF, "198.51.100.9")]), "192.0.2.1");
}

#[test]
fn an_ipv6_client_is_its_64_and_has_a_48_around_it() {
    let network = |text: &str| Network::of(text.parse().unwrap());
    assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:ffff::4"));
    assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
    assert_eq!(network("2001:db8:1:2::3").site(), network("2001:db8:1:3::3").site());
    assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
    assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    assert_eq!(network("192.0.2.1").site(), None);
}
