//! Every setting: its path, its variable, its type and its bounds, in the order of `configs/config.yaml`.
//!
//! What a setting means and what it is when nothing is said stands in `docs/API.md` and in `configs/config.yaml`;
//! tests hold the three together.

mod parse;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use ipnet::IpNet;
use market_data::{cache, polygon};

use super::reader::{Reader, Setting};
use super::{Profile, Warning};

/// Longest list of proxies or origins.
const LIST_ITEMS_MAX: usize = 100;
/// Highest rate that can be asked for, in requests a minute: what turns a limit off in practice, for a benchmark.
const PER_MINUTE_MAX: u32 = 1_000_000_000;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The rules it was checked under.
    pub profile: Profile,
    /// The listener and what every request meets.
    pub server: Server,
    /// Who may ask.
    pub auth: Auth,
    /// How often.
    pub rate_limit: RateLimit,
    /// Where bars come from.
    pub market_data: MarketData,
    /// Finished answers that are kept.
    pub answers: crate::answers::Config,
    /// Background checks.
    pub health: Health,
    /// Who may read the metrics.
    pub metrics: Metrics,
    /// The reference page.
    pub docs: Docs,
    /// What is logged, and how.
    pub logs: Logs,
    /// Where secrets lie.
    pub secrets: Secrets,
    /// What is set and does nothing.
    pub warnings: Vec<Warning>,
}

/// The listener and what every request meets.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where connections are accepted.
    pub bind_address: SocketAddr,
    /// Connections open at once.
    pub connections_max: usize,
    /// Connections open at once from one address.
    pub connections_per_address_max: usize,
    /// Requests handled at once; more are refused with 503.
    pub requests_in_flight_max: usize,
    /// Longest time for a whole request.
    pub request_timeout: Duration,
    /// Longest wait for requests in flight at shutdown.
    pub shutdown_timeout: Duration,
    /// Largest request body, in bytes.
    pub body_bytes_max: usize,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may read answers.
    pub allowed_origins: Vec<HeaderValue>,
    /// Whether browsers are told to insist on TLS.
    pub hsts: bool,
}

/// Who may ask.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Whether the service refuses to start without keys.
    pub required: bool,
    /// Failed attempts of one address and key prefix in a minute before the next ones are refused unread.
    pub failures_per_minute: u32,
}

/// How often one client may ask.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Requests a minute for an address, and for a key.
    pub per_minute: u32,
    /// Requests at once.
    pub burst: u32,
}

/// Where bars come from.
#[derive(Clone, Debug)]
pub struct MarketData {
    /// One's own CSV files, instead of the bundled sample.
    pub directory: Option<PathBuf>,
    /// The vendor, used when its key is found.
    pub polygon: polygon::Config,
}

/// Background checks of what the service depends on.
#[derive(Clone, Debug)]
pub struct Health {
    /// Time between two checks.
    pub interval: Duration,
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Clients on this machine.
    Loopback,
    /// Clients with a key of the role admin.
    Key,
    /// Everyone.
    Open,
}

/// Who may read the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Who may read them.
    pub access: MetricsAccess,
}

/// The reference page.
#[derive(Clone, Debug)]
pub struct Docs {
    /// Whether `/docs`, `/openapi.json` and `/api-docs/openapi.json` are served.
    pub enabled: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Directives such as `info,api_server=debug`.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

/// Where secrets lie.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Directory with one file for each secret.
    pub directory: PathBuf,
}

const fn setting(path: &'static str, variable: &'static str) -> Setting {
    Setting { path, variable }
}

/// The address alone: it decides the profile when none is named.
pub(super) fn bind_address(read: &mut Reader<'_>) -> Option<SocketAddr> {
    read.optional(setting("server.bind_address", "BIND_ADDRESS"), parse::address)
}

/// Reads everything; faults are the reader's.
pub(super) fn read(read: &mut Reader<'_>, profile: Profile) -> Config {
    Config {
        profile,
        server: server(read),
        auth: auth(read),
        rate_limit: rate_limit(read),
        market_data: market_data(read),
        answers: answers(read),
        health: Health {
            interval: read.seconds(setting("health.interval_s", "HEALTH_CHECK_INTERVAL_SECS"), 1..=3600),
        },
        metrics: metrics(read),
        docs: Docs { enabled: read.flag(setting("docs.enabled", "ENABLE_SWAGGER")) },
        logs: logs(read),
        secrets: secrets(read),
        warnings: Vec::new(),
    }
}

fn server(read: &mut Reader<'_>) -> Server {
    let unspecified = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Server {
        bind_address: read.required(
            setting("server.bind_address", "BIND_ADDRESS"),
            unspecified,
            parse::address,
        ),
        connections_max: read.number(setting("server.connections_max", "CONNECTIONS_MAX"), 1..=1_000_000),
        connections_per_address_max: read.number(
            setting("server.connections_per_address_max", "CONNECTIONS_PER_ADDRESS_MAX"),
            1..=1_000_000,
        ),
        requests_in_flight_max: read
            .number(setting("server.requests_in_flight_max", "REQUESTS_IN_FLIGHT_MAX"), 1..=1_000_000),
        request_timeout: read.seconds(setting("server.request_timeout_s", "REQUEST_TIMEOUT_SECS"), 1..=600),
        shutdown_timeout: read
            .seconds(setting("server.shutdown_timeout_s", "SHUTDOWN_TIMEOUT_SECS"), 1..=600),
        body_bytes_max: read
            .number(setting("server.body_bytes_max", "REQUEST_BODY_BYTES_MAX"), 1024..=16 * 1024 * 1024),
        trusted_proxies: read.list(
            setting("server.trusted_proxies", "TRUSTED_PROXIES"),
            LIST_ITEMS_MAX,
            parse::network,
        ),
        allowed_origins: read.list(
            setting("server.allowed_origins", "ALLOWED_ORIGINS"),
            LIST_ITEMS_MAX,
            parse::origin,
        ),
        hsts: read.flag(setting("server.hsts", "ENABLE_HSTS")),
    }
}

fn auth(read: &mut Reader<'_>) -> Auth {
    Auth {
        required: read.flag(setting("auth.required", "REQUIRE_AUTH")),
        failures_per_minute: read
            .number(setting("auth.failures_per_minute", "AUTH_FAILURES_PER_MINUTE"), 1..=10_000),
    }
}

fn rate_limit(read: &mut Reader<'_>) -> RateLimit {
    let per_minute =
        read.number(setting("rate_limit.per_minute", "RATE_LIMIT_PER_MINUTE"), 1..=PER_MINUTE_MAX);
    let burst = read.optional_number(setting("rate_limit.burst", "RATE_LIMIT_BURST"), 1..=PER_MINUTE_MAX);
    RateLimit { per_minute, burst: burst.unwrap_or_else(|| default_burst(per_minute)) }
}

/// A sixth of a minute's allowance, at least 10: a page's worth of requests, and not the whole minute twice.
fn default_burst(per_minute: u32) -> u32 {
    (per_minute / 6).max(10)
}

fn market_data(read: &mut Reader<'_>) -> MarketData {
    MarketData {
        directory: read
            .optional(setting("market_data.directory", "MARKET_DATA_DIR"), |text| Ok(PathBuf::from(text))),
        polygon: polygon(read),
    }
}

fn polygon(read: &mut Reader<'_>) -> polygon::Config {
    let default = polygon::Config::default();
    let at = |path, variable| setting(path, variable);
    polygon::Config {
        base_url: read.required(
            at("market_data.polygon.base_url", "POLYGON_BASE_URL"),
            String::new(),
            parse::base_url,
        ),
        calls_per_minute: read.number(
            at("market_data.polygon.calls_per_minute", "POLYGON_RATE_LIMIT"),
            1..=polygon::CALLS_PER_MINUTE_MAX,
        ),
        calls_in_flight_max: read
            .number(at("market_data.polygon.calls_in_flight_max", "POLYGON_MAX_CONCURRENT"), 1..=1_000),
        call_timeout: read.seconds(at("market_data.polygon.timeout_s", "POLYGON_TIMEOUT_SECS"), 1..=120),
        history_days: read
            .number(at("market_data.polygon.history_days", "POLYGON_HISTORY_DAYS"), 30..=20_000),
        cache: cache::Config {
            fresh_for: read.seconds(at("market_data.polygon.fresh_for_s", "POLYGON_FRESH_SECS"), 1..=86_400),
            stale_for: read
                .seconds(at("market_data.polygon.stale_for_s", "POLYGON_STALE_SECS"), 1..=30 * 86_400),
            symbols_max: read
                .number(at("market_data.polygon.symbols_max", "POLYGON_SYMBOLS_MAX"), 1..=100_000),
            ..default.cache
        },
        ..default
    }
}

fn answers(read: &mut Reader<'_>) -> crate::answers::Config {
    crate::answers::Config {
        enabled: read.flag(setting("answers.enabled", "ANSWER_CACHE")),
        entries_max: read.number(setting("answers.entries_max", "ANSWER_CACHE_ENTRIES"), 1..=1_000_000),
        bytes_max: read
            .number(setting("answers.bytes_max", "ANSWER_CACHE_BYTES"), 1024 * 1024..=4 * 1024 * 1024 * 1024),
    }
}

fn metrics(read: &mut Reader<'_>) -> Metrics {
    let choices =
        [("loopback", MetricsAccess::Loopback), ("key", MetricsAccess::Key), ("open", MetricsAccess::Open)];
    Metrics { access: read.choice(setting("metrics.access", "METRICS_ACCESS"), &choices) }
}

fn logs(read: &mut Reader<'_>) -> Logs {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    Logs {
        filter: read.required(setting("logs.filter", "RUST_LOG"), String::new(), |text| Ok(text.to_owned())),
        format: read.choice(setting("logs.format", "RUST_LOG_FORMAT"), &formats),
    }
}

fn secrets(read: &mut Reader<'_>) -> Secrets {
    let directory = setting("secrets.directory", "SECRETS_DIR");
    Secrets { directory: read.required(directory, PathBuf::new(), |text| Ok(PathBuf::from(text))) }
}
