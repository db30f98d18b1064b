//! Every setting: its path, its variable, its type and its bounds, in the order of `configs/config.yaml`.
//!
//! What a setting means and what it is when nothing is said stands in `docs/API.md` and in `configs/config.yaml`;
//! tests hold the three together.

mod events;
mod parse;
mod receiving;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use market_data::{cache, polygon};

use super::reader::{Reader, Setting};
use super::{Profile, Warning};
use crate::client_address::TrustedProxies;
use crate::layers::rate_limit;
use crate::logs::Format;
use crate::{answers, deliveries, layers, serve};

pub use events::{AlpacaEvents, Ledger};

/// Longest list of proxies or origins.
const LIST_ITEMS_MAX: usize = 100;
/// Highest rate that can be asked for, in requests a minute: what turns a limit off in practice, for a benchmark.
const PER_MINUTE_MAX: NonZeroU32 = NonZeroU32::new(1_000_000_000).expect("it is not 0");

/// Time to send a whole head, and to begin one: a client that holds a connection and says nothing is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the next bytes of a body.
const BODY_FRAME_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest freshness of a secret, in seconds: what every rotation waits for, whatever a server is told.
const SECRET_TTL_MAX_S: u64 = 300;

/// The whole configuration, checked. Parts have their own shapes; what is left is here.
#[derive(Clone, Debug)]
pub struct Config {
    /// The rules it was checked under.
    pub profile: Profile,
    /// Where connections are accepted.
    pub bind_address: SocketAddr,
    /// How connections are kept, and ended.
    pub serve: serve::Config,
    /// What every request meets.
    pub layers: layers::Config,
    /// Whether the service refuses to start without keys.
    pub keys_required: bool,
    /// Where bars come from.
    pub market_data: MarketData,
    /// Finished answers that are kept.
    pub answers: answers::Config,
    /// How deliveries of providers are received.
    pub deliveries: deliveries::Config,
    /// How what they say is booked.
    pub ledger: Ledger,
    /// The broker's event streams.
    pub alpaca_events: AlpacaEvents,
    /// Time between two background checks.
    pub health_check_period: Duration,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// Whether `/docs`, `/openapi.json` and `/api-docs/openapi.json` are served; what problems mean always is.
    pub docs_enabled: bool,
    /// What is logged, and how.
    pub logs: Logs,
    /// Directory with one file for each secret.
    pub secrets_directory: PathBuf,
    /// How long a secret's value counts as fresh.
    pub secret_ttl: Duration,
    /// What is set and does nothing.
    pub warnings: Vec<Warning>,
}

/// Where bars come from.
#[derive(Clone, Debug)]
pub struct MarketData {
    /// One's own CSV files, instead of the bundled sample.
    pub directory: Option<PathBuf>,
    /// The vendor, used when its key is found.
    pub polygon: polygon::Config,
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
    /// How lines look.
    pub format: Format,
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
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bind_address = setting("server.bind_address", "BIND_ADDRESS");
    let trusted_proxies = trusted_proxies(read);
    Config {
        profile,
        bind_address: read.required(bind_address, nowhere, parse::address),
        serve: serve(read, trusted_proxies.clone()),
        layers: layers(read, trusted_proxies),
        keys_required: read.flag(setting("auth.required", "REQUIRE_AUTH")),
        market_data: market_data(read),
        answers: answers(read),
        deliveries: receiving::read(read),
        ledger: events::ledger(read),
        alpaca_events: events::alpaca(read),
        health_check_period: read
            .seconds(setting("health.interval_s", "HEALTH_CHECK_INTERVAL_SECS"), 1..=3600),
        metrics_access: metrics_access(read),
        docs_enabled: read.flag(setting("docs.enabled", "ENABLE_SWAGGER")),
        logs: logs(read),
        secrets_directory: secrets_directory(read),
        secret_ttl: read.seconds(setting("secrets.ttl_s", "SECRET_TTL_SECS"), 1..=SECRET_TTL_MAX_S),
        warnings: Vec::new(),
    }
}

fn trusted_proxies(read: &mut Reader<'_>) -> TrustedProxies {
    let setting = setting("server.trusted_proxies", "TRUSTED_PROXIES");
    TrustedProxies::new(read.list(setting, LIST_ITEMS_MAX, parse::network))
}

fn serve(read: &mut Reader<'_>, trusted_proxies: TrustedProxies) -> serve::Config {
    serve::Config {
        connections_max: read.number(setting("server.connections_max", "CONNECTIONS_MAX"), 1..=1_000_000),
        connections_per_address_max: read.number(
            setting("server.connections_per_address_max", "CONNECTIONS_PER_ADDRESS_MAX"),
            1..=1_000_000,
        ),
        trusted_proxies,
        header_timeout: HEADER_TIMEOUT,
        unready_for: read.seconds(setting("server.unready_for_s", "UNREADY_SECS"), 0..=60),
        drain_timeout: read.seconds(setting("server.shutdown_timeout_s", "SHUTDOWN_TIMEOUT_SECS"), 1..=600),
    }
}

fn layers(read: &mut Reader<'_>, trusted_proxies: TrustedProxies) -> layers::Config {
    layers::Config {
        hsts: read.flag(setting("server.hsts", "ENABLE_HSTS")),
        trusted_proxies,
        allowed_origins: read.list(
            setting("server.allowed_origins", "ALLOWED_ORIGINS"),
            LIST_ITEMS_MAX,
            parse::origin,
        ),
        requests_in_flight_max: read
            .number(setting("server.requests_in_flight_max", "REQUESTS_IN_FLIGHT_MAX"), 1..=1_000_000),
        request_timeout: read.seconds(setting("server.request_timeout_s", "REQUEST_TIMEOUT_SECS"), 1..=600),
        body_bytes_max: read
            .number(setting("server.body_bytes_max", "REQUEST_BODY_BYTES_MAX"), 1024..=16 * 1024 * 1024),
        body_frame_timeout: BODY_FRAME_TIMEOUT,
        rate_limit: rate_limit(read),
        auth_failures_per_minute: read
            .number(setting("auth.failures_per_minute", "AUTH_FAILURES_PER_MINUTE"), 1..=10_000),
        deliveries: receiving::limits(read),
    }
}

fn rate_limit(read: &mut Reader<'_>) -> rate_limit::Config {
    let range = NonZeroU32::MIN..=PER_MINUTE_MAX;
    let per_minute = read.number(setting("rate_limit.per_minute", "RATE_LIMIT_PER_MINUTE"), range.clone());
    let burst = read.optional_number(setting("rate_limit.burst", "RATE_LIMIT_BURST"), range);
    rate_limit::Config { per_minute, burst: burst.unwrap_or_else(|| default_burst(per_minute)) }
}

/// A sixth of a minute's allowance, at least 10: a page's worth of requests, and not the whole minute twice.
fn default_burst(per_minute: NonZeroU32) -> NonZeroU32 {
    const LEAST: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");
    NonZeroU32::new(per_minute.get() / 6).map_or(LEAST, |sixth| sixth.max(LEAST))
}

fn market_data(read: &mut Reader<'_>) -> MarketData {
    MarketData {
        directory: read.optional(setting("market_data.directory", "MARKET_DATA_DIR"), parse::directory),
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

fn answers(read: &mut Reader<'_>) -> answers::Config {
    answers::Config {
        entries_max: read.number(setting("answers.entries_max", "ANSWER_CACHE_ENTRIES"), 0..=1_000_000),
        bytes_max: read
            .number(setting("answers.bytes_max", "ANSWER_CACHE_BYTES"), 1024 * 1024..=4 * 1024 * 1024 * 1024),
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

fn secrets_directory(read: &mut Reader<'_>) -> PathBuf {
    let directory = setting("secrets.directory", "SECRETS_DIR");
    read.required(directory, PathBuf::new(), |text| Ok(PathBuf::from(text)))
}
