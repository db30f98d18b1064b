//! The proxy between this machine and other hosts.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::{NoProxy, Url};

/// The variables of the proxy; the first that is set counts.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables of the hosts that are called without it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Never called through a proxy, which would not be this machine.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxy that requests over TLS go through, or none. Plain HTTP never does: it is used for this machine, and for the
/// metadata services of a cloud, which are on it.
#[derive(Clone, Default)]
pub struct Proxy(Choice);

#[derive(Clone, Default)]
enum Choice {
    #[default]
    None,
    Refused,
    Used(Arc<Route>),
}

struct Route {
    variable: &'static str,
    /// With user and password.
    url: Url,
    exceptions: String,
    client: reqwest::Proxy,
}

/// A variable does not name a proxy, or its exceptions. The text repeats nothing that may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ProxyError {
    /// The variable.
    pub variable: &'static str,
    problem: String,
}

impl Proxy {
    /// No proxy.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// No proxy, because a setting refuses that of the environment.
    #[must_use]
    pub fn refused() -> Self {
        Self(Choice::Refused)
    }

    /// The proxy of the environment: `HTTPS_PROXY`, else `ALL_PROXY`, except for the hosts of `NO_PROXY`; each may be in lower
    /// case. `get` returns variables that are set and not empty.
    ///
    /// # Errors
    /// The URL cannot be used, or an exception can match nothing. Requests without the proxy could go where they must not.
    pub fn from_variables<'v>(get: impl Fn(&str) -> Option<&'v str>) -> Result<Self, ProxyError> {
        let Some((variable, text)) = VARIABLES.into_iter().find_map(|name| Some((name, get(name)?))) else {
            return Ok(Self::none());
        };
        let error = |problem| {
            let form = "must be the URL of an HTTP proxy, such as http://proxy.internal:3128";
            ProxyError { variable, problem: format!("{form}: {problem}") }
        };
        let url = parse(text).map_err(error)?;
        let exceptions = EXCEPTIONS.into_iter().find_map(|name| Some(exceptions(name, get(name)?)));
        let exceptions = exceptions.transpose()?.unwrap_or_default();
        let client = reqwest::Proxy::https(url.clone()).map_err(|_| error("it is not a URL"))?;
        let client = client.no_proxy(NoProxy::from_string(&with_loopback(&exceptions)));
        Ok(Self(Choice::Used(Arc::new(Route { variable, url, exceptions, client }))))
    }

    /// The URL with user and password, and the hosts that are called without the proxy, for a client that is not built with
    /// [`client_builder`](crate::client_builder).
    #[must_use]
    pub fn route(&self) -> Option<(&str, String)> {
        self.used().map(|route| (route.url.as_str(), with_loopback(&route.exceptions)))
    }

    pub(crate) fn client(&self) -> Option<reqwest::Proxy> {
        self.used().map(|route| route.client.clone())
    }

    fn used(&self) -> Option<&Route> {
        match &self.0 {
            Choice::None | Choice::Refused => None,
            Choice::Used(route) => Some(route),
        }
    }
}

fn with_loopback(exceptions: &str) -> String {
    if exceptions.is_empty() { LOOPBACK.to_owned() } else { format!("{LOOPBACK},{exceptions}") }
}

fn parse(text: &str) -> Result<Url, &'static str> {
    let text = text.trim();
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let url = url.map_err(|_| "it is not a URL")?;
    match url.scheme() {
        "http" | "https" => {}
        "socks4" | "socks4a" | "socks5" | "socks5h" => return Err("SOCKS proxies are not supported"),
        _ => return Err("its scheme is not http or https"),
    }
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare {
        Err("write special characters of a password percent-encoded, and no path")
    } else {
        Ok(url)
    }
}

/// The entries of this variable, separated by commas.
fn exceptions(variable: &'static str, text: &str) -> Result<String, ProxyError> {
    let entries = text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    let entries = entries.map(|entry| {
        let shown = if entry.contains('@') { "…" } else { entry };
        exception(entry).filter(|entry| can_match(entry)).ok_or_else(|| ProxyError {
            variable,
            problem: format!(
                "has the entry {shown}, which matches nothing: write a host name, an address, a network such as 10.0.0.0/8, or *"
            ),
        })
    });
    Ok(entries.collect::<Result<Vec<_>, _>>()?.join(","))
}

/// A name that ends in a number would be an address.
fn can_match(entry: &str) -> bool {
    let is_name = entry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let last = entry.rsplit('.').next().unwrap_or_default();
    let is_name = is_name && !last.bytes().all(|byte| byte.is_ascii_digit());
    entry == "*" || is_name || is_address(entry)
}

fn is_address(entry: &str) -> bool {
    entry.parse::<IpNet>().is_ok() || entry.parse::<IpAddr>().is_ok()
}

/// One entry as both HTTP clients understand it: `example.com` and its subdomains, an address or a network, or `*`. Other programs
/// also take `*.example.com`, a port and brackets.
fn exception(entry: &str) -> Option<String> {
    let entry = entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry);
    if let Some(v6) = entry.strip_prefix('[') {
        let (address, port) = v6.split_once(']')?;
        return (port.is_empty() || is_port(port.strip_prefix(':')?)).then(|| address.to_owned());
    }
    match entry.rsplit_once(':') {
        Some((host, port)) if !is_address(entry) && is_port(port) => Some(host.to_owned()),
        _ => Some(entry.to_owned()),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

impl fmt::Display for Proxy {
    /// Without user and password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Route { variable, url, exceptions, .. } = match &self.0 {
            Choice::None => return out.write_str("none"),
            Choice::Refused => return out.write_str("none (OUTBOUND_PROXY)"),
            Choice::Used(route) => &**route,
        };
        let (host, port) =
            (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        write!(out, "{}://{host}:{port} ({variable})", url.scheme())?;
        if exceptions.is_empty() { Ok(()) } else { write!(out, ", not for {exceptions} (NO_PROXY)") }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)]) -> Result<Proxy, ProxyError> {
        Proxy::from_variables(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_first_variable_counts_and_is_shown_without_its_password() {
        for (variables, expected) in [
            (&[][..], "none"),
            (&[("HTTP_PROXY", "http://plain:1")], "none"),
            (&[("HTTPS_PROXY", "http://p:3128")], "http://p:3128 (HTTPS_PROXY)"),
            (&[("https_proxy", "p:3128")], "http://p:3128 (https_proxy)"),
            (&[("ALL_PROXY", "https://p")], "https://p:443 (ALL_PROXY)"),
            (&[("all_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2/")], "http://b:2 (HTTPS_PROXY)"),
            (&[("HTTPS_PROXY", "http://user:c4n4ry@[::1]:8080")], "http://[::1]:8080 (HTTPS_PROXY)"),
            (
                &[
                    ("HTTPS_PROXY", "http://p:1"),
                    ("no_proxy", "a.example, *.b.example [::2]:443,10.0.0.0/8,c:8443,"),
                ],
                "http://p:1 (HTTPS_PROXY), not for a.example,.b.example,::2,10.0.0.0/8,c (NO_PROXY)",
            ),
        ] {
            let proxy = proxy(variables).unwrap();
            assert_eq!(proxy.to_string(), expected);
            assert!(!format!("{proxy:?} {proxy:#?}").contains("c4n4ry"));
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_without_its_password() {
        for value in [
            "socks5://user:c4n4ry@p:1080",
            "ftp://user:c4n4ry@p",
            "http://user:c4n4ry/x@p:3128",
            "http://user:c4n4ry#x@p:3128",
            "http://user:c4n4ry@p:3128/path",
            "http://user:c4n4ry@p:port",
            "http://",
        ] {
            let error = proxy(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert_eq!(error.variable, "HTTPS_PROXY", "{value}");
            assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error:?}");
        }
    }

    #[test]
    fn an_exception_that_can_match_nothing_is_an_error_that_names_it() {
        let error = |entry: &str| {
            let exceptions = format!("b.example,{entry}");
            let error = proxy(&[("HTTPS_PROXY", "http://p:1"), ("no_proxy", &exceptions)]).unwrap_err();
            assert_eq!(error.variable, "no_proxy");
            error.to_string()
        };
        for entry in [
            "10.0.0.0/99",
            "10.0.0.*",
            "10.0.0",
            "10.0.0.300",
            "a.example/8",
            "http://a.example",
            "a.example:port",
            "a.example;b.example",
            "[fd00::]/8",
            "[::1",
        ] {
            assert!(error(entry).contains(&format!("the entry {entry},")), "{entry}");
        }
        assert!(error("http://user:c4n4ry@p:3128").contains("the entry …,"));
    }

    #[test]
    fn this_machine_is_never_behind_the_proxy() {
        assert_eq!(
            (Proxy::refused().route(), Proxy::refused().to_string()),
            (None, "none (OUTBOUND_PROXY)".to_owned())
        );
        let route = proxy(&[("HTTPS_PROXY", "http://u:w@p:1"), ("NO_PROXY", "a.example")]).unwrap();
        let expected = "localhost,127.0.0.0/8,::1,a.example".to_owned();
        assert_eq!(route.route(), Some(("http://u:w@p:1/", expected)));
    }
}
