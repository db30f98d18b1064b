//! Calls the hosts that the server calls, with its client and its proxy. The requests have no key; any response will do.

use std::time::Duration;

use config::Config;
use config::check::{Finding, Severity};
use domain::Provider;
use outbound::BaseUrl;
use telemetry::with_causes;
use webhooks::circle;

use crate::secret_scan::SecretScan;

const TIMEOUT: Duration = Duration::from_secs(5);
/// Without this key the vendor is not used.
pub(crate) const VENDOR_KEY: &str = "polygon_api_key";
/// Without this key Circle is not used.
const CIRCLE_KEY: &str = "circle_api_key";

pub(crate) async fn findings(config: &Config, scan: &SecretScan) -> Vec<Finding> {
    let circle = config.webhooks.providers.provider(Provider::Circle).url(&circle::BASE_URL);
    let circle = circle.and_then(|url| url.parse().ok()).filter(|_| scan.has_value(CIRCLE_KEY));
    let vendor = &config.market_data.polygon.base_url;
    let hosts = [
        ("market_data.polygon.base_url", scan.has_value(VENDOR_KEY).then(|| vendor.clone())),
        (
            "alpaca.events.base_url",
            config.alpaca_events.enabled.then(|| config.alpaca_events.base_url.clone()),
        ),
        (circle::BASE_URL.path, circle),
    ];
    let mut findings = Vec::new();
    for (setting, base_url) in hosts {
        let Some(base_url) = base_url else { continue };
        if let Err(cause) = call(&base_url, config).await {
            let message = format!("cannot connect to {base_url} (proxy: {}): {cause}", config.proxy);
            findings.push(Finding::new(Severity::Error, "connect", setting, message));
        }
    }
    findings
}

async fn call(base_url: &BaseUrl, config: &Config) -> Result<(), String> {
    let client = outbound::client_builder(TIMEOUT, &config.proxy).timeout(TIMEOUT);
    let client = client.https_only(base_url.is_encrypted()).build().map_err(|error| with_causes(&error))?;
    let response = client.head(base_url.to_url()).send().await;
    response.map(drop).map_err(|error| with_causes(&error.without_url()))
}
