//! Opens the connections that the server will open, and closes them again. It sends nothing.

use std::time::Duration;

use api_server::config::Config;
use tokio::net::TcpStream;

use crate::finding::{Finding, Severity};
use crate::survey::Survey;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The vendor's key: without it the vendor is not used.
const VENDOR_KEY: &str = "polygon_api_key";

/// What cannot be reached.
pub(crate) async fn findings(config: &Config, survey: &Survey) -> Vec<Finding> {
    let has_key = survey.report.get(VENDOR_KEY).is_some_and(|entry| entry.version.is_some());
    let base_url = &config.market_data.polygon.base_url;
    if !has_key {
        return Vec::new();
    }
    let why = match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address(base_url))).await {
        Ok(Ok(_connected)) => return Vec::new(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    let message = format!("{base_url} cannot be reached: {why}");
    vec![Finding::new(Severity::Error, "connect", "market_data.polygon.base_url", message)]
}

/// Host and port of a URL that the settings have checked.
fn address(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "http" { 80 } else { 443 };
    if has_port { authority.to_owned() } else { format!("{authority}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_its_own_port_or_its_schemes() {
        for (url, expected) in [
            ("https://api.massive.com", "api.massive.com:443"),
            ("http://localhost/v2", "localhost:80"),
            ("http://127.0.0.1:9000/x", "127.0.0.1:9000"),
            ("http://[::1]:9000", "[::1]:9000"),
            ("https://[::1]", "[::1]:443"),
        ] {
            assert_eq!(address(url), expected);
        }
    }
}
