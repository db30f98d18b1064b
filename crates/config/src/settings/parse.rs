//! Parsers of single values. Their errors say what is expected.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use domain::{Currency, Money};
use http::{HeaderValue, Uri};
use ipnet::IpNet;
use ledger::StashRatio;
use outbound::{BaseUrl, BaseUrlError};
use rust_decimal::Decimal;
use store::StandbyAddress;

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:3000".into())
}

/// An amount of dollars, not below zero.
pub(super) fn dollars(text: &str) -> Result<Money, String> {
    let amount = Money::parse(text, Currency::Usd).ok().filter(|amount| amount.minor() >= 0);
    amount.ok_or_else(|| "must be dollars from 0 up, such as 1000 or 99.50".into())
}

/// A directory that can be read.
pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.read_dir() {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("must be a directory that exists and can be read: {error}")),
    }
}

/// A host with or without a port; `[::1]:5432` for an IPv6 address with one.
pub(super) fn standby(text: &str) -> Result<StandbyAddress, String> {
    let expected = || {
        "must be one host with or without a port, such as db-standby:5432; user, password and database are those of DATABASE_URL"
            .to_owned()
    };
    let (host, port) = match text.parse::<IpAddr>() {
        Ok(_) => (text, None),
        Err(_) => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| expected())?)),
            None => (text, None),
        },
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let is_host = !host.is_empty() && host.bytes().all(is_name) && port != Some(0);
    if is_host { Ok(StandbyAddress { host: host.to_owned(), port }) } else { Err(expected()) }
}

/// Directives of the log.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let expected = "must be directives such as info,api_server=debug";
    telemetry::logs::check_filter(text).map(|()| text.to_owned()).map_err(|_| expected.to_owned())
}

/// A network in CIDR notation, or one address. Large parts of the internet are rejected.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    match network {
        Some(network) if network.prefix_len() < widest(&network) => Err(
            "must not trust so many addresses: use the networks of the proxies, at most a /8 (IPv6: a /16)"
                .into(),
        ),
        Some(network) => Ok(network.trunc()),
        None => Err("must be addresses or networks such as 10.0.0.0/8".into()),
    }
}

/// The shortest accepted prefix. If all of the internet were trusted, a client could claim any address.
fn widest(network: &IpNet) -> u8 {
    match network {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 16,
    }
}

/// A web origin: scheme, host and port, and nothing else, as browsers write it; wildcards and `null` are rejected.
pub(super) fn origin(text: &str) -> Result<HeaderValue, String> {
    let expected = || {
        "must be exact origins such as https://app.example.com, in lower case, without a wildcard and without the default port".to_owned()
    };
    let uri: Uri = text.parse().map_err(|_| expected())?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && uri.path() == "/"
        && uri.query().is_none()
        && !text.ends_with('/')
        && is_written_as_by_browsers(text);
    match is_origin {
        true => HeaderValue::from_str(text).map_err(|_| expected()),
        false => Err(expected()),
    }
}

/// Another spelling would equal no origin that a browser sends.
fn is_written_as_by_browsers(origin: &str) -> bool {
    let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    let is_usual = |byte: u8| !byte.is_ascii_uppercase() && byte != b'*';
    origin.bytes().all(is_usual) && !origin.ends_with(default_port) && !origin.ends_with(':')
}

/// A host name or an address, in lower case and without a dot at its end: no scheme, no port and no wildcard.
pub(super) fn host(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_name = name.len() <= 253 && name.split('.').all(is_label);
    let is_ipv6 = || name.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    match is_name || is_ipv6().is_some() {
        true => Ok(name),
        false => {
            Err("must be exact host names without a port and without a wildcard, such as api.example.com"
                .into())
        }
    }
}

/// The value of a base URL that is missing or invalid.
pub(super) fn placeholder_url() -> BaseUrl {
    "https://localhost".parse().expect("it has a scheme and a host")
}

/// The URL of an API, without a slash at its end, so that a path can be appended.
pub(super) fn url(text: &str) -> Result<BaseUrl, String> {
    match text.ends_with('/') {
        true => Err("must not end with a slash".to_owned()),
        false => text.parse().map_err(|error: BaseUrlError| error.to_string()),
    }
}

/// The URL of a collector of traces, without a slash at its end. Spans have no secrets: it may be without TLS.
pub(super) fn collector(text: &str) -> Result<String, String> {
    let parts = text.parse::<Uri>().map(Uri::into_parts).unwrap_or_default();
    let is_scheme = parts.scheme.is_some_and(|scheme| ["http", "https"].contains(&scheme.as_str()));
    let is_host = parts.authority.is_some_and(|host| !host.as_str().contains('@') && !host.host().is_empty());
    let is_whole = |path: &str| path.trim_end_matches('/').ends_with("/v1/traces");
    let is_path = parts.path_and_query.is_none_or(|path| path.query().is_none() && !is_whole(path.path()));
    let is_path = is_path && !text.contains('#');
    match is_scheme && is_host && is_path {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(
            "must be a URL without a user and a query, such as http://jaeger:4318; /v1/traces is appended"
                .into(),
        ),
    }
}

/// Whether a host is reached over a network of others: by an address, or by a name with a dot. A name without one is a container's, on
/// a network of this host.
pub(super) fn is_remote(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or_else(|_| host.contains('.'), |address| !address.is_loopback())
}

/// The name of a service: 1 to 64 letters, digits and `-._`.
pub(super) fn service_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    match (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("must be 1 to 64 letters, digits, dots, hyphens and underscores".into()),
    }
}

/// A number from 0 to 1, such as 0.01.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1, such as 0.01 for one request in a hundred".into())
}

/// A number from 0 to 1, such as 0.30.
pub(super) fn ratio(text: &str) -> Result<StashRatio, String> {
    let ratio = Decimal::from_str_exact(text).ok().and_then(|ratio| StashRatio::new(ratio).ok());
    ratio.ok_or_else(|| "must be a number from 0 to 1 with at most 6 digits, such as 0.30".into())
}

/// One of these words.
pub(super) fn one_of(text: &str, words: &[&'static str]) -> Result<&'static str, String> {
    let word = words.iter().find(|word| **word == text);
    word.copied().ok_or_else(|| format!("must be one of {}", words.join(", ")))
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
            ("https://*.example.com", false),
            ("https://app.example.com:*", false),
            ("https://App.example.com", false),
            ("https://app.example.com:443", false),
            ("http://app.example.com:443", true),
            ("http://app.example.com:80", false),
            ("https://app.example.com:", false),
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
    fn hosts_are_exact() {
        for (text, expected) in [
            ("API.example.com", Some("api.example.com")),
            ("api-server", Some("api-server")),
            ("api.example.com.", Some("api.example.com")),
            ("192.0.2.7", Some("192.0.2.7")),
            ("[2001:db8::1]", Some("[2001:db8::1]")),
            ("*.example.com", None),
            ("*", None),
            ("api.example.com:3000", None),
            ("https://api.example.com", None),
            ("a..b", None),
            ("", None),
        ] {
            assert_eq!(host(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn ratios_are_from_0_to_1() {
        for (text, expected) in
            [("0", true), ("0.30", true), ("1", true), ("1.01", false), ("-0.1", false), ("30%", false)]
        {
            assert_eq!(ratio(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_collector_has_a_url_without_secrets() {
        for (text, expected) in [
            ("http://jaeger:4318", Some("http://jaeger:4318")),
            ("https://otlp.example.com/otlp/", Some("https://otlp.example.com/otlp")),
            ("http://[::1]:4318/", Some("http://[::1]:4318")),
            // The path would be there twice.
            ("http://jaeger:4318/v1/traces", None),
            ("jaeger:4318", None),
            ("grpc://jaeger:4317", None),
            ("http://user:password@jaeger:4318", None),
            ("https://otlp.example.com?token=1", None),
            ("https://otlp.example.com#token", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(collector(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn shares_are_from_0_to_1() {
        for (text, expected) in [
            ("0", true),
            ("0.01", true),
            ("1", true),
            ("1.1", false),
            ("-1", false),
            ("NaN", false),
            ("1%", false),
        ] {
            assert_eq!(share(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn urls_are_https_or_a_loopback_host() {
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
            assert_eq!(url(text).is_ok(), expected, "{text}");
        }
    }
}
