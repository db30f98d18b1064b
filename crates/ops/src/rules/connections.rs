//! Opens and closes the connections that the server needs. No request is sent.

use std::time::Duration;

use config::Config;
use config::check::{Finding, Severity};
use outbound::BaseUrl;
use tokio::net::TcpStream;

use crate::secret_scan::SecretScan;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Without this key the vendor is not used.
pub(crate) const VENDOR_KEY: &str = "polygon_api_key";

pub(crate) async fn findings(config: &Config, scan: &SecretScan) -> Vec<Finding> {
    let base_url = &config.market_data.polygon.base_url;
    if !scan.has_value(VENDOR_KEY) {
        return Vec::new();
    }
    let cause = match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(host_and_port(base_url))).await
    {
        Ok(Ok(_connected)) => return Vec::new(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "timed out".to_owned(),
    };
    let message = format!("cannot connect to {base_url}: {cause}");
    vec![Finding::new(Severity::Error, "connect", "market_data.polygon.base_url", message)]
}

fn host_and_port(url: &BaseUrl) -> String {
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
            assert_eq!(host_and_port(&url.parse().unwrap()), expected);
        }
    }
}
