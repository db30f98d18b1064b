//! Every setting: its path, its variable, its type and its bounds, in the order of `configs/config.yaml`.
//!
//! `docs/API.md` says what each setting means, and `configs/config.yaml` has the defaults; tests compare the three.

mod ledger;
mod market_data;
mod parse;
mod server;
mod webhooks;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ::ledger::StashRatio;
use ipnet::IpNet;
use secrets::Profile;
use telemetry::logs::Format;

use crate::error::Warning;
use crate::reader::Reader;
use crate::setting::setting;

pub(crate) use ledger::ACTIVITIES;
pub use ledger::AlpacaEvents;
pub use market_data::{MarketData, Polygon};
pub use server::{Connections, Http, ResponseCache, WebhookLimits};
pub use webhooks::Webhooks;

/// Longest list of proxies, origins or ids.
const LIST_ITEMS_MAX: usize = 100;

/// Longest freshness of a secret, in seconds: a rotation waits that long.
const SECRET_TTL_MAX_S: u64 = 300;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which rules the configuration and the secrets must meet.
    pub profile: Profile,
    /// The address that the server listens on.
    pub bind_address: SocketAddr,
    /// Proxies whose forwarded headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Limits and timeouts of connections.
    pub connections: Connections,
    /// Limits and timeouts of requests.
    pub http: Http,
    /// Whether the server refuses to start without API keys.
    pub keys_required: bool,
    /// Where bars come from.
    pub market_data: MarketData,
    /// How many finished responses are cached.
    pub response_cache: ResponseCache,
    /// How deliveries are verified, stored and applied.
    pub webhooks: Webhooks,
    /// The part of a deposit that goes to the stash.
    pub stash_ratio: StashRatio,
    /// The broker's event streams.
    pub alpaca_events: AlpacaEvents,
    /// Time between two background checks.
    pub health_check_period: Duration,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// Whether `/docs`, `/openapi.json` and `/api-docs/openapi.json` are served. `/docs/problems` always is.
    pub docs_enabled: bool,
    /// What is logged, and how.
    pub logs: Logs,
    /// The directory with one file for each secret.
    pub secrets_directory: PathBuf,
    /// How long the value of a secret counts as fresh.
    pub secret_ttl: Duration,
    /// Variables that are set and have no effect.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// The URL of the server for a client on the same machine.
    #[must_use]
    pub fn local_url(&self) -> String {
        local_url(self.bind_address)
    }
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Clients on this machine, and those with a key of the role admin.
    Loopback,
    /// Clients with a key of the role admin.
    Key,
    /// Everyone.
    Open,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Directives such as `info,api_server=debug`.
    pub filter: String,
    /// Text, or one JSON object a line.
    pub format: Format,
}

/// The address alone: it decides the profile when none is named.
pub(crate) fn bind_address(read: &mut Reader<'_>) -> Option<SocketAddr> {
    read.optional(setting("server.bind_address", "BIND_ADDRESS"), parse::address)
}

/// Reads every setting; the reader collects the errors.
pub(crate) fn load(read: &mut Reader<'_>, profile: Profile) -> Config {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bind_address = setting("server.bind_address", "BIND_ADDRESS");
    let trusted_proxies = setting("server.trusted_proxies", "TRUSTED_PROXIES");
    let secrets_directory = setting("secrets.directory", "SECRETS_DIR");
    Config {
        profile,
        bind_address: read.required(bind_address, nowhere, parse::address),
        trusted_proxies: read.list(trusted_proxies, LIST_ITEMS_MAX, parse::network),
        connections: server::connections(read),
        http: server::http(read),
        keys_required: read.flag(setting("auth.required", "REQUIRE_AUTH")),
        market_data: market_data::load(read),
        response_cache: server::response_cache(read),
        webhooks: webhooks::load(read, profile),
        stash_ratio: ledger::stash_ratio(read),
        alpaca_events: ledger::alpaca_events(read),
        health_check_period: read
            .seconds(setting("health.interval_s", "HEALTH_CHECK_INTERVAL_SECS"), 1..=3600),
        metrics_access: metrics_access(read),
        docs_enabled: read.flag(setting("docs.enabled", "ENABLE_SWAGGER")),
        logs: logs(read),
        secrets_directory: read.required(secrets_directory, PathBuf::new(), |text| Ok(PathBuf::from(text))),
        secret_ttl: read.seconds(setting("secrets.ttl_s", "SECRET_TTL_SECS"), 1..=SECRET_TTL_MAX_S),
        warnings: Vec::new(),
    }
}

fn metrics_access(read: &mut Reader<'_>) -> MetricsAccess {
    let choices =
        [("loopback", MetricsAccess::Loopback), ("key", MetricsAccess::Key), ("open", MetricsAccess::Open)];
    read.choice(setting("metrics.access", "METRICS_ACCESS"), &choices)
}

fn logs(read: &mut Reader<'_>) -> Logs {
    let formats = [("text", Format::Text), ("json", Format::Json)];
    Logs {
        filter: read.required(setting("logs.filter", "RUST_LOG"), String::new(), |text| Ok(text.to_owned())),
        format: read.choice(setting("logs.format", "RUST_LOG_FORMAT"), &formats),
    }
}

/// A server that listens on every address is reached on loopback.
fn local_url(bind_address: SocketAddr) -> String {
    let ip = match bind_address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, bind_address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        for (bind_address, url) in [
            ("0.0.0.0:3000", "http://127.0.0.1:3000"),
            ("[::]:3000", "http://[::1]:3000"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            assert_eq!(local_url(bind_address.parse().unwrap()), url);
        }
    }
}
