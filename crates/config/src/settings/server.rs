//! The settings of connections, requests and responses.

use std::num::NonZeroU32;
use std::time::Duration;

use http::HeaderValue;
use rate_limit::Limit;

use super::{LIST_ITEMS_MAX, parse};
use crate::reader::Reader;
use crate::setting::{Setting, setting};

/// Highest rate limit, in requests per minute: in practice no limit, for a benchmark.
const PER_MINUTE_MAX: NonZeroU32 = NonZeroU32::new(1_000_000_000).expect("it is not 0");
/// Smallest and largest limit of a request body, in bytes.
const BODY_BYTES: std::ops::RangeInclusive<usize> = 1024..=16 * 1024 * 1024;

/// Time to send a whole head, and to begin one: a client that keeps a connection open without sending is disconnected.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the next bytes of a body.
const BODY_FRAME_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits and timeouts of connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// Connections open at once.
    pub max: usize,
    /// Connections open at once from one address that is no trusted proxy.
    pub per_address_max: usize,
    /// Longest time for a whole request head, for the first bytes of a connection, and between two requests.
    pub header_timeout: Duration,
    /// How long connections are still accepted after `/readyz` fails at shutdown, so that a load balancer can notice.
    pub unready_for: Duration,
    /// Longest wait for requests in progress at shutdown.
    pub drain_timeout: Duration,
}

/// Limits and timeouts of requests.
#[derive(Clone, Debug)]
pub struct Http {
    /// Whether responses have the header `Strict-Transport-Security`.
    pub hsts: bool,
    /// Origins whose pages may read responses.
    pub allowed_origins: Vec<HeaderValue>,
    /// Requests handled at once.
    pub requests_in_flight_max: usize,
    /// Longest time for a response.
    pub request_timeout: Duration,
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Longest wait for the next bytes of a request body.
    pub body_frame_timeout: Duration,
    /// Rate limit of each address, and of each key.
    pub rate_limit: Limit,
    /// Wrong keys that one client may send per minute before it has to wait.
    pub auth_failures_per_minute: u32,
    /// Limits that deliveries have instead.
    pub webhooks: WebhookLimits,
}

/// Limits of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct WebhookLimits {
    /// Largest body of a delivery.
    pub body_bytes_max: usize,
    /// Rate limit of each address, for each provider.
    pub rate_limit: Limit,
}

/// How many finished responses are cached.
#[derive(Clone, Copy, Debug)]
pub struct ResponseCache {
    /// Cached responses; 0 disables the cache, for a benchmark of the computation.
    pub entries_max: usize,
    /// Size of all cached responses.
    pub bytes_max: u64,
}

pub(super) fn connections(read: &mut Reader<'_>) -> Connections {
    Connections {
        max: read.number(setting("server.connections_max", "CONNECTIONS_MAX"), 1..=1_000_000),
        per_address_max: read.number(
            setting("server.connections_per_address_max", "CONNECTIONS_PER_ADDRESS_MAX"),
            1..=1_000_000,
        ),
        header_timeout: HEADER_TIMEOUT,
        unready_for: read.seconds(setting("server.unready_for_s", "UNREADY_SECS"), 0..=60),
        drain_timeout: read.seconds(setting("server.shutdown_timeout_s", "SHUTDOWN_TIMEOUT_SECS"), 1..=600),
    }
}

pub(super) fn http(read: &mut Reader<'_>) -> Http {
    Http {
        hsts: read.flag(setting("server.hsts", "ENABLE_HSTS")),
        allowed_origins: read.list(
            setting("server.allowed_origins", "ALLOWED_ORIGINS"),
            LIST_ITEMS_MAX,
            parse::origin,
        ),
        requests_in_flight_max: read
            .number(setting("server.requests_in_flight_max", "REQUESTS_IN_FLIGHT_MAX"), 1..=1_000_000),
        request_timeout: read.seconds(setting("server.request_timeout_s", "REQUEST_TIMEOUT_SECS"), 1..=600),
        body_bytes_max: read.number(setting("server.body_bytes_max", "REQUEST_BODY_BYTES_MAX"), BODY_BYTES),
        body_frame_timeout: BODY_FRAME_TIMEOUT,
        rate_limit: rate_limit(read),
        auth_failures_per_minute: read
            .number(setting("auth.failures_per_minute", "AUTH_FAILURES_PER_MINUTE"), 1..=10_000),
        webhooks: webhook_limits(read),
    }
}

fn rate_limit(read: &mut Reader<'_>) -> Limit {
    let per_minute = per_minute(read, setting("rate_limit.per_minute", "RATE_LIMIT_PER_MINUTE"));
    let burst = setting("rate_limit.burst", "RATE_LIMIT_BURST");
    let burst = read.optional_number(burst, NonZeroU32::MIN..=PER_MINUTE_MAX);
    Limit { per_minute, burst: burst.unwrap_or_else(|| default_burst(per_minute)) }
}

fn webhook_limits(read: &mut Reader<'_>) -> WebhookLimits {
    let body_bytes_max =
        read.number(setting("webhooks.body_bytes_max", "WEBHOOK_BODY_BYTES_MAX"), BODY_BYTES);
    let per_minute = per_minute(read, setting("webhooks.per_minute", "WEBHOOK_RATE_LIMIT_PER_MINUTE"));
    WebhookLimits { body_bytes_max, rate_limit: Limit { per_minute, burst: default_burst(per_minute) } }
}

fn per_minute(read: &mut Reader<'_>, setting: Setting) -> NonZeroU32 {
    read.number(setting, NonZeroU32::MIN..=PER_MINUTE_MAX)
}

/// A sixth of the requests of a minute, at least 10: enough for a page, and less than the limit twice.
fn default_burst(per_minute: NonZeroU32) -> NonZeroU32 {
    const LEAST: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");
    NonZeroU32::new(per_minute.get() / 6).map_or(LEAST, |sixth| sixth.max(LEAST))
}

pub(super) fn response_cache(read: &mut Reader<'_>) -> ResponseCache {
    let entries = setting("response_cache.entries_max", "RESPONSE_CACHE_ENTRIES");
    let bytes = setting("response_cache.bytes_max", "RESPONSE_CACHE_BYTES");
    ResponseCache {
        entries_max: read.number(entries, 0..=1_000_000),
        bytes_max: read.number(bytes, 1024 * 1024..=4 * 1024 * 1024 * 1024),
    }
}
