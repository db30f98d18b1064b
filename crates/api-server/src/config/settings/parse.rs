//! Texts that become addresses, networks, origins and URLs, or say what they should have been.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use http::{HeaderValue, Uri};
use ipnet::IpNet;
use ledger::StashRatio;
use rust_decimal::Decimal;
use webhooks::circle::sns::TopicArn;

/// Longest id that a provider may give.
const ID_BYTES_MAX: usize = 128;

/// An address and a port, such as `127.0.0.1:3000`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:3000".into())
}

/// A directory that is there.
pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    Some(PathBuf::from(text))
        .filter(|path| path.is_dir())
        .ok_or_else(|| "must be a directory that exists".into())
}

/// A network in CIDR notation, or one address; never a large part of the internet.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    match network {
        Some(network) if network.prefix_len() < widest(&network) => {
            Err("must not trust so many addresses: name the proxies' networks, at most a /8 (IPv6: a /16)"
                .into())
        }
        Some(network) => Ok(network.trunc()),
        None => Err("must be addresses or networks such as 10.0.0.0/8".into()),
    }
}

/// The shortest prefix that is believed to be a network of proxies: with two halves of the internet, a client could
/// name any address as its own.
fn widest(network: &IpNet) -> u8 {
    match network {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 16,
    }
}

/// A web origin: scheme, host and port, nothing behind it; `*` and `null` are none.
pub(super) fn origin(text: &str) -> Result<HeaderValue, String> {
    let expected = || "must be exact origins such as https://app.example.com".to_owned();
    let uri: Uri = text.parse().map_err(|_| expected())?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && uri.path() == "/"
        && uri.query().is_none()
        && !text.ends_with('/');
    match is_origin {
        true => HeaderValue::from_str(text).map_err(|_| expected()),
        false => Err(expected()),
    }
}

/// The URL of a vendor: `https`, or `http` to this machine; no user, no query, no slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let expected = || {
        "must be an https URL (http only to a loopback address) with neither user nor query nor final slash"
            .to_owned()
    };
    let uri: Uri = text.parse().map_err(|_| expected())?;
    let is_sound = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => uri.host().is_some_and(is_loopback),
        _ => false,
    };
    let is_bare = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && uri.query().is_none()
        && !text.ends_with('/');
    if is_sound && is_bare { Ok(text.to_owned()) } else { Err(expected()) }
}

/// A part of the whole, such as 0.30.
pub(super) fn ratio(text: &str) -> Result<StashRatio, String> {
    let ratio = Decimal::from_str_exact(text).ok().and_then(|ratio| StashRatio::new(ratio).ok());
    ratio.ok_or_else(|| "must be a number from 0 to 1 with at most 6 digits, such as 0.30".into())
}

/// A topic of SNS, such as `arn:aws:sns:us-east-1:908968368384:name`.
pub(super) fn sns_topic(text: &str) -> Result<TopicArn, String> {
    text.parse().map_err(|_| "must be topics such as arn:aws:sns:us-east-1:123456789012:name".into())
}

/// An id of letters, digits, `-`, `_` and `.`.
pub(super) fn plain_id(text: &str) -> Result<String, String> {
    let is_id = (1..=ID_BYTES_MAX).contains(&text.len()) && is_plain(text);
    if is_id { Ok(text.to_owned()) } else { Err("must be ids of letters, digits, -, _ and .".into()) }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A stream of the broker's.
pub(super) fn stream(text: &str) -> Result<alpaca::Stream, String> {
    text.parse().map_err(|error: alpaca::UnknownStream| error.to_string())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_cidrs_or_addresses_and_never_everything() {
        for (text, expected) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("192.0.2.7", Some("192.0.2.7/32")),
            ("::1", Some("::1/128")),
            ("0.0.0.0/0", None),
            ("128.0.0.0/1", None),
            ("2000::/3", None),
            ("fd00::/16", Some("fd00::/16")),
            ("::/0", None),
            ("proxy", None),
            ("", None),
        ] {
            let got = network(text).ok().map(|network| network.to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn origins_are_exact() {
        for (text, expected) in [
            ("https://app.example.com", true),
            ("http://localhost:8050", true),
            ("*", false),
            ("null", false),
            ("https://app.example.com/", false),
            ("https://app.example.com/x", false),
            ("https://u@app.example.com", false),
            ("app.example.com", false),
            ("ftp://app.example.com", false),
        ] {
            assert_eq!(origin(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn topics_ids_and_ratios_are_whole() {
        let topic = "arn:aws:sns:us-west-2:908968368384:sandbox_platform-notifications-topic";
        for (text, expected) in [
            (topic, true),
            ("arn:aws:sns:us-west-2:908968368384:", false),
            ("arn:aws:sns:us-west-2:9089683683:x", false),
            ("arn:aws:sqs:us-west-2:908968368384:x", false),
            ("arn:aws:sns:us-west-2:908968368384:x:y", false),
            ("*", false),
        ] {
            assert_eq!(sns_topic(text).is_ok(), expected, "{text}");
        }
        for (text, expected) in
            [("0", true), ("0.30", true), ("1", true), ("1.01", false), ("-0.1", false), ("30%", false)]
        {
            assert_eq!(ratio(text).is_ok(), expected, "{text}");
        }
        assert!(plain_id("36b6931a-873a-56a8-8a27-b706b17104ee").is_ok() && plain_id("a b").is_err());
    }

    #[test]
    fn vendor_urls_are_https_or_this_machine() {
        for (text, expected) in [
            ("https://api.massive.com", true),
            ("http://127.0.0.1:9000", true),
            ("http://localhost:9000", true),
            ("http://[::1]:9000", true),
            ("http://api.massive.com", false),
            ("http://127.0.0.1.example.com", false),
            ("https://key@api.massive.com", false),
            ("https://api.massive.com?apiKey=1", false),
            ("https://api.massive.com/", false),
            ("api.massive.com", false),
        ] {
            assert_eq!(base_url(text).is_ok(), expected, "{text}");
        }
    }
}
