//! Every setting: its path, its variable, its type and its range, in the order of `configs/config.yaml`.
//!
//! `docs/API.md` says what each setting means, and `configs/config.yaml` has the defaults; tests compare the three.

/// Declares a part of the configuration: its fields with their types, and how they are loaded.
macro_rules! settings {
    ($read:ident $(, $argument:ident: $argument_type:ty)* =>
        $(#[$attribute:meta])*
        pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $value:expr;)* }
    ) => {
        $(#[$attribute])*
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            pub(super) fn load($read: &mut $crate::reader::Reader<'_> $(, $argument: $argument_type)*) -> Self {
                Self { $($field: $value,)* }
            }
        }
    };
}

mod alpaca_events;
mod bans;
mod market_data;
mod parse;
mod redis;
mod server;
mod traces;
mod webhooks;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Currency, Money};
use ipnet::IpNet;
use ledger::StashRatio;
use outbound::Proxy;
use secrets::{GRACE_S, Profile, SECRETS_DIRECTORY};
use sha2::{Digest as _, Sha256};
use store::{DatabaseUrl, StandbyAddress, StoreConfig};
use telemetry::logs::Format;

use crate::error::Warning;
use crate::reader::Reader;

pub(crate) use alpaca_events::ACTIVITIES;
pub use alpaca_events::AlpacaEvents;
pub use bans::{BanMode, Bans};
pub use market_data::{MarketData, Polygon};
pub use redis::{HostPort, Redis, RedisEndpoint};
pub(crate) use server::limit;
pub use server::{Connections, Http, ResponseCache, WebhookLimits};
pub use traces::Traces;
pub use webhooks::Webhooks;

/// Longest list of proxies, origins or ids.
const LIST_ITEMS_MAX: usize = 100;

/// The directory of secrets of a developer, beside the checkout or the working directory of the server.
pub(crate) const OWN_SECRETS_DIRECTORY: &str = "secrets";

/// Longest TTL of a secret, in seconds: a rotation waits that long.
const SECRET_TTL_MAX_S: u64 = 300;

settings! { read, profile: Profile =>
    /// The whole configuration, checked.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// The profile, whose rules the configuration and the secrets must meet.
        profile: Profile = profile;
        /// The address that the server listens on.
        bind_address: SocketAddr =
            read.get("server.bind_address", "BIND_ADDRESS")
                .required((Ipv4Addr::LOCALHOST, 0).into(), parse::address);
        /// Proxies whose forwarded headers are trusted.
        trusted_proxies: Vec<IpNet> =
            read.get("server.trusted_proxies", "TRUSTED_PROXIES").list(LIST_ITEMS_MAX, parse::network);
        /// The header in which those proxies name the client.
        client_address_header: ClientAddressHeader =
            read.get("server.client_address_header", "CLIENT_ADDRESS_HEADER").choice(&CLIENT_ADDRESS_HEADERS);
        /// Limits and timeouts of connections.
        connections: Connections = Connections::load(read);
        /// Limits and timeouts of requests.
        http: Http = Http::load(read);
        /// Nodes that share rate limits, when Redis cannot say how many there are.
        expected_nodes: u32 = read.get("rate_limit.expected_nodes", "EXPECTED_NODES").number(1..=1000);
        /// Where several nodes share their rate limits.
        redis: Redis = Redis::load(read);
        /// Whether the server refuses to start without API keys.
        keys_required: bool = read.get("auth.required", "REQUIRE_AUTH").flag();
        /// Bans of clients.
        bans: Bans = Bans::load(read);
        /// The source of bars.
        market_data: MarketData = MarketData::load(read);
        /// Limits of the response cache.
        response_cache: ResponseCache = ResponseCache::load(read);
        /// How deliveries are verified, stored and applied.
        webhooks: Webhooks = Webhooks::load(read, profile);
        /// The file that tells the database from others and from older copies of it; `None` for that beside the SQLite file.
        database_checkpoint: Option<PathBuf> =
            read.get("database.checkpoint", "DATABASE_CHECKPOINT").optional(|text| Ok(PathBuf::from(text)));
        /// A standby of the primary, from which books are read.
        database_standby: Option<StandbyAddress> =
            read.get("database.standby_host", "DATABASE_STANDBY_HOST").optional(parse::standby);
        /// The part of a deposit that goes to the stash.
        stash_ratio: StashRatio =
            read.get("ledger.stash_ratio", "LEDGER_STASH_RATIO").required(StashRatio::ZERO, parse::ratio);
        /// Journals that move more dollars need two persons; zero: every journal.
        journal_approval_above: Money = read
            .get("ledger.journal_approval_above", "JOURNAL_APPROVAL_ABOVE")
            .required(Money::zero(Currency::Usd), parse::dollars);
        /// The proxy of requests to other hosts, which may have a password; it is not printed.
        proxy: Proxy = server::proxy(read);
        /// The broker's event streams.
        alpaca_events: AlpacaEvents = AlpacaEvents::load(read);
        /// Time between two background checks.
        health_check_period: Duration =
            read.get("health.interval_s", "HEALTH_CHECK_INTERVAL_SECS").seconds(1..=3600);
        /// An address that serves the metrics alone, without a key.
        metrics_bind_address: Option<SocketAddr> =
            read.get("metrics.bind_address", "METRICS_BIND_ADDRESS").optional(parse::address);
        /// Who may read the metrics on the main listener.
        metrics_access: MetricsAccess = read.get("metrics.access", "METRICS_ACCESS").choice(&METRICS_ACCESS);
        /// Whether `/docs`, `/openapi.json` and `/api-docs/openapi.json` are served. `/docs/problems` always is.
        docs_enabled: bool = read.get("docs.enabled", "ENABLE_SWAGGER").flag();
        /// What is logged, and how.
        logs: Logs = Logs::load(read);
        /// Which requests are traced.
        traces: Traces = Traces::load(read);
        /// The directory with one file for each secret, for those who read and who write them.
        secrets_directory: PathBuf =
            read.get("secrets.directory", "SECRETS_DIR")
                .optional(|text| Ok(PathBuf::from(text)))
                .unwrap_or_else(|| secrets_directory(profile, Path::new("")));
        /// Time for which the value of a secret is fresh.
        secret_ttl: Duration = read.get("secrets.ttl_s", "SECRET_TTL_SECS").seconds(1..=SECRET_TTL_MAX_S);
        /// Time for which the last good value of a secret is used after its source said that it does not have it.
        secret_grace: Duration = read.get("secrets.grace_s", "SECRET_GRACE_SECS").seconds(GRACE_S);
        /// Variables that are set and have no effect.
        warnings: Vec<Warning> = Vec::new();
    }
}

settings! { read =>
    /// What is logged, and how.
    #[derive(Clone, Debug)]
    pub struct Logs {
        /// Directives such as `info,api_server=debug`.
        filter: String =
            read.get("logs.filter", "RUST_LOG").required(String::new(), parse::log_filter);
        /// Text, or one JSON object per line.
        format: Format = read.get("logs.format", "RUST_LOG_FORMAT").choice(&FORMATS);
    }
}

const FORMATS: [(&str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];

/// Who may read the metrics on the main listener. Without a key only direct requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Clients on this machine, and those with a key of the role admin.
    Loopback,
    /// Clients with a key of the role admin.
    Key,
    /// Everyone.
    Open,
}

/// A header in which proxies name the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAddressHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

const CLIENT_ADDRESS_HEADERS: [(&str, ClientAddressHeader); 2] =
    [("x-forwarded-for", ClientAddressHeader::XForwardedFor), ("forwarded", ClientAddressHeader::Forwarded)];

const METRICS_ACCESS: [(&str, MetricsAccess); 3] =
    [("loopback", MetricsAccess::Loopback), ("key", MetricsAccess::Key), ("open", MetricsAccess::Open)];

impl Config {
    /// The URL of the server for a client on the same machine.
    #[must_use]
    pub fn local_url(&self) -> String {
        local_url(self.bind_address)
    }

    /// How the database at `url` is opened.
    #[must_use]
    pub fn store(&self, url: DatabaseUrl) -> StoreConfig {
        let config = StoreConfig::new(url);
        StoreConfig {
            checkpoint: self.database_checkpoint.clone().or(config.checkpoint),
            replicas: self.expected_nodes,
            standby: self.database_standby.clone(),
            ..config
        }
    }

    /// A short hash of all settings, equal where they are equal in the same version. It says nothing about secrets.
    #[must_use]
    pub fn hash(&self) -> String {
        // As it is printed, which leaves out the password of the proxy.
        let settings = format!("{:?}", Self { warnings: Vec::new(), ..self.clone() });
        let [first, second, third, fourth, ..]: [u8; 32] = Sha256::digest(settings).into();
        format!("{:08x}", u32::from_be_bytes([first, second, third, fourth]))
    }

    /// Whether only clients on this machine reach the server.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.connections.published_on_loopback || is_loopback(self.bind_address)
    }
}

/// Whether the server listens on a loopback address: it decides the profile if none is named. That a port is published on one does
/// not, so that one variable alone opens nothing.
pub(crate) fn has_loopback_listener(read: &mut Reader<'_>) -> bool {
    read.get("server.bind_address", "BIND_ADDRESS").optional(parse::address).is_some_and(is_loopback)
}

pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// A server that listens on every address is reached on 127.0.0.1: containers often have no `::1`.
/// The default directory of secrets of a process that runs in `working_directory`. In development it is one's own, unless only
/// that of a container exists. Strict profiles never depend on the working directory.
fn secrets_directory(profile: Profile, working_directory: &Path) -> PathBuf {
    let own = Path::new(OWN_SECRETS_DIRECTORY);
    let is_own = working_directory.join(own).is_dir() || !Path::new(SECRETS_DIRECTORY).is_dir();
    if !profile.is_strict() && is_own { own.to_owned() } else { PathBuf::from(SECRETS_DIRECTORY) }
}

/// A server that listens on every address is reached on loopback.
fn local_url(bind_address: SocketAddr) -> String {
    let ip = match bind_address.ip() {
        ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, bind_address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_developer_has_secrets_beside_the_working_directory_and_a_strict_profile_has_not() {
        let around = tempfile::tempdir().unwrap();
        let default = |profile| secrets_directory(profile, around.path()).to_string_lossy().into_owned();
        let expected = if Path::new("/run/secrets").is_dir() { "/run/secrets" } else { "secrets" };
        assert_eq!(default(Profile::Development), expected, "it is yet to be created");
        std::fs::create_dir(around.path().join("secrets")).unwrap();
        assert_eq!(
            Profile::ALL.map(default),
            ["secrets", "/run/secrets", "/run/secrets"],
            "development, staging, production"
        );
    }

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        for (bind_address, url) in [
            ("0.0.0.0:3000", "http://127.0.0.1:3000"),
            ("[::]:3000", "http://127.0.0.1:3000"),
            ("[::1]:3000", "http://[::1]:3000"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            assert_eq!(local_url(bind_address.parse().unwrap()), url);
        }
    }
}
