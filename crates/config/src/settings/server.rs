//! The settings of connections, requests and responses.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderValue;
use outbound::Proxy;
use rate_limit::Limit;

use super::{LIST_ITEMS_MAX, parse};
use crate::reader::Reader;

/// The range of rate limits, in requests per minute. The highest is in practice no limit, for benchmarks.
const PER_MINUTE: RangeInclusive<NonZeroU32> =
    NonZeroU32::MIN..=NonZeroU32::new(1_000_000_000).expect("it is not 0");
/// The range of limits for a request body, in bytes.
const BODY_BYTES: RangeInclusive<usize> = 1024..=16 * 1024 * 1024;

/// Time to send a whole head, and to begin the first one of a connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_FRAME_TIMEOUT: Duration = Duration::from_secs(10);

settings! { read =>
    /// Limits and timeouts of connections.
    #[derive(Clone, Copy, Debug)]
    pub struct Connections {
        /// Whether the port is that of a container and published on the host's loopback address only, so that the listener
        /// counts as local; connections from public addresses are then refused.
        published_on_loopback: bool =
            read.get("server.published_on_loopback", "PUBLISHED_ON_LOOPBACK").flag();
        /// Connections open at once.
        max: usize = read.get("server.connections_max", "CONNECTIONS_MAX").number(1..=1_000_000);
        /// Connections open at once from one address that is not a trusted proxy.
        per_address_max: usize =
            read.get("server.connections_per_address_max", "CONNECTIONS_PER_ADDRESS_MAX")
                .number(1..=1_000_000);
        /// Longest time for a whole request head, and for the first bytes of a connection.
        header_timeout: Duration = HEADER_TIMEOUT;
        /// Longest time between two requests.
        keep_alive_timeout: Duration =
            read.get("server.keep_alive_timeout_s", "KEEP_ALIVE_TIMEOUT_SECS").seconds(1..=3600);
        /// Longest time in which a client takes nothing of a response that waits for it.
        send_timeout: Duration = read.get("server.send_timeout_s", "SEND_TIMEOUT_SECS").seconds(1..=600);
        /// Time at shutdown during which connections are still accepted after `/readyz` fails, so that a load balancer
        /// notices.
        unready_for: Duration = read.get("server.unready_for_s", "UNREADY_SECS").seconds(0..=60);
        /// Longest wait for requests in progress at shutdown.
        drain_timeout: Duration =
            read.get("server.shutdown_timeout_s", "SHUTDOWN_TIMEOUT_SECS").seconds(1..=600);
    }
}

settings! { read =>
    /// Limits and timeouts of requests.
    #[derive(Clone, Debug)]
    pub struct Http {
        /// Whether responses have the header `Strict-Transport-Security`.
        hsts: bool = read.get("server.hsts", "ENABLE_HSTS").flag();
        /// Origins whose pages may read responses.
        allowed_origins: Vec<HeaderValue> =
            read.get("server.allowed_origins", "ALLOWED_ORIGINS").list(LIST_ITEMS_MAX, parse::origin);
        /// Host names by which clients reach the server without an API key, beside `localhost` and its address. In lower case.
        allowed_hosts: Vec<String> =
            read.get("server.allowed_hosts", "ALLOWED_HOSTS").list(LIST_ITEMS_MAX, parse::host);
        /// Requests handled at once.
        requests_in_flight_max: usize =
            read.get("server.requests_in_flight_max", "REQUESTS_IN_FLIGHT_MAX").number(1..=1_000_000);
        /// Longest time for a response.
        request_timeout: Duration =
            read.get("server.request_timeout_s", "REQUEST_TIMEOUT_SECS").seconds(1..=600);
        /// Largest request body.
        body_bytes_max: usize =
            read.get("server.body_bytes_max", "REQUEST_BODY_BYTES_MAX").number(BODY_BYTES);
        /// Longest wait for the next bytes of a request body.
        body_frame_timeout: Duration = BODY_FRAME_TIMEOUT;
        /// Rate limit of each address, and of each key.
        rate_limit: Limit = rate_limit(read);
        /// Wrong keys that one client may send per minute before it has to wait.
        auth_failures_per_minute: u32 =
            read.get("auth.failures_per_minute", "AUTH_FAILURES_PER_MINUTE").number(1..=10_000);
        /// Limits for deliveries.
        webhooks: WebhookLimits = WebhookLimits::load(read);
    }
}

settings! { read =>
    /// Limits for deliveries.
    #[derive(Clone, Copy, Debug)]
    pub struct WebhookLimits {
        /// Largest body of a delivery.
        body_bytes_max: usize =
            read.get("webhooks.body_bytes_max", "WEBHOOK_BODY_BYTES_MAX").number(BODY_BYTES);
        /// Rate limit of each address, for each provider.
        rate_limit: Limit = limit(
            read.get("webhooks.per_minute", "WEBHOOK_RATE_LIMIT_PER_MINUTE").number(PER_MINUTE), None);
    }
}

settings! { read =>
    /// Limits of the response cache.
    #[derive(Clone, Copy, Debug)]
    pub struct ResponseCache {
        /// Cached responses; 0 disables the cache, for a benchmark of the computation.
        entries_max: usize =
            read.get("response_cache.entries_max", "RESPONSE_CACHE_ENTRIES").number(0..=1_000_000);
        /// Size of all cached responses.
        bytes_max: u64 =
            read.get("response_cache.bytes_max", "RESPONSE_CACHE_BYTES").number(1 << 20..=1 << 32);
    }
}

/// The proxy of the environment, unless the setting refuses it.
pub(super) fn proxy(read: &mut Reader<'_>) -> Proxy {
    let from_environment = read.get("outbound.proxy", "OUTBOUND_PROXY").choice(&PROXY_SOURCES);
    if !from_environment {
        return Proxy::refused();
    }
    let proxy = Proxy::from_variables(|name| read.variable(name));
    proxy.unwrap_or_else(|error| {
        read.error("outbound.proxy", error.variable, error.to_string());
        Proxy::none()
    })
}

/// Whether the variables of the environment count.
const PROXY_SOURCES: [(&str, bool); 2] = [("environment", true), ("none", false)];

fn rate_limit(read: &mut Reader<'_>) -> Limit {
    let per_minute = read.get("rate_limit.per_minute", "RATE_LIMIT_PER_MINUTE").number(PER_MINUTE);
    limit(per_minute, read.get("rate_limit.burst", "RATE_LIMIT_BURST").optional_number(PER_MINUTE))
}

/// The default burst is a sixth of the requests per minute, at least 10: enough for a page.
pub(crate) fn limit(per_minute: NonZeroU32, burst: Option<NonZeroU32>) -> Limit {
    const LEAST: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");
    let sixth = NonZeroU32::new(per_minute.get() / 6);
    Limit { per_minute, burst: burst.unwrap_or(sixth.map_or(LEAST, |sixth| sixth.max(LEAST))) }
}
