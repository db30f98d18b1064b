//! Opens the connections that the server will open, and closes them. No request is sent.

use std::time::Duration;

use config::Config;
use outbound::BaseUrl;
use tokio::net::TcpStream;

use crate::finding::{Finding, Severity};
use crate::survey::Survey;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The vendor's key: without it the vendor is not used.
const VENDOR_KEY: &str = "polygon_api_key";

/// The servers that cannot be reached.
pub(crate) async fn findings(config: &Config, survey: &Survey) -> Vec<Finding> {
    let has_key = survey.report.get(VENDOR_KEY).is_some_and(|entry| entry.version.is_some());
    let base_url = &config.market_data.polygon.base_url;
    if !has_key {
        return Vec::new();
    }
    let why = match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address(base_url))).await {
        Ok(Ok(_connected)) => return Vec::new(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "timed out".to_owned(),
    };
    let message = format!("{base_url} cannot be reached: {why}");
    vec![Finding::new(Severity::Error, "connect", "market_data.polygon.base_url", message)]
}

/// Host and port of a URL.
fn address(url: &BaseUrl) -> String {
    let url = url.to_url();
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_its_own_port_or_that_of_its_scheme() {
        for (url, expected) in [
            ("https://api.massive.com", "api.massive.com:443"),
            ("http://localhost", "localhost:80"),
            ("http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("http://[::1]:9000", "[::1]:9000"),
            ("https://[::1]", "[::1]:443"),
        ] {
            assert_eq!(address(&url.parse().unwrap()), expected);
        }
    }
}
