//! Settings of the client.

use std::sync::Arc;
use std::time::Duration;

use outbound::{BaseUrl, Proxy};

use super::SharedResponses;
use crate::CacheConfig;

/// Largest allowed number of calls a minute: each is remembered for a minute, at most 16 MB in all.
pub const CALLS_PER_MINUTE_MAX: u32 = 1_000_000;

/// Settings of the client. The defaults suit a paid plan; a free one allows 5 calls a minute.
#[derive(Clone, Debug)]
pub struct Config {
    /// Default `https://api.massive.com`.
    pub base_url: BaseUrl,
    /// The proxy to the vendor. Default none.
    pub proxy: Proxy,
    /// Calls in any 60 seconds (`POLYGON_RATE_LIMIT`), 1 to [`CALLS_PER_MINUTE_MAX`]. Default 3000.
    pub calls_per_minute: u32,
    /// Most calls in flight (`POLYGON_MAX_CONCURRENT`), at least 1. Default 50.
    pub calls_in_flight_max: u32,
    /// Longest wait of a call for one of them to end. Default 1 second.
    pub permit_timeout: Duration,
    /// Time to connect. Default 2 seconds.
    pub connect_timeout: Duration,
    /// Time for one attempt, its response body included. Default 5 seconds.
    pub try_timeout: Duration,
    /// Time for a call with all its attempts and pauses. Default 8 seconds.
    pub call_timeout: Duration,
    /// Retries after a failed connection, a timeout or a 5xx. Default 2.
    pub retries_max: u32,
    /// Days of history to fetch. Default 3653 (ten years).
    pub history_days: u32,
    /// How long a symbol's name and filings are used before they are fetched again. Default 24 hours.
    pub reference_fresh_for: Duration,
    /// How long symbols are cached.
    pub cache: CacheConfig,
    /// How long the market's returns are cached: one call for all symbols. Default one hour fresh.
    pub benchmark_cache: CacheConfig,
    /// Where replicas share responses. Default none: each makes its own calls.
    pub shared: Option<Arc<dyn SharedResponses>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: "https://api.massive.com".parse().expect("the constant has a scheme and a host"),
            proxy: Proxy::none(),
            calls_per_minute: 3_000,
            calls_in_flight_max: 50,
            permit_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            try_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(8),
            retries_max: 2,
            history_days: 3_653,
            reference_fresh_for: Duration::from_secs(24 * 60 * 60),
            cache: CacheConfig::default(),
            benchmark_cache: CacheConfig {
                fresh_for: Duration::from_secs(60 * 60),
                symbols_max: 1,
                failures_max: 1,
                fetches_max: 1,
                ..CacheConfig::default()
            },
            shared: None,
        }
    }
}

/// The settings are invalid, or the HTTPS client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The quota is outside its bounds.
    #[error("calls per minute must be 1 to {CALLS_PER_MINUTE_MAX}")]
    CallsPerMinute,
    /// No call is allowed in flight.
    #[error("at least one call must be allowed in flight")]
    CallsInFlight,
    /// The HTTPS client cannot be built.
    #[error("building the HTTPS client failed")]
    Client(#[source] reqwest::Error),
}

impl Config {
    pub(super) fn check(&self) -> Result<(), BuildError> {
        if !(1..=CALLS_PER_MINUTE_MAX).contains(&self.calls_per_minute) {
            return Err(BuildError::CallsPerMinute);
        }
        if self.calls_in_flight_max == 0 {
            return Err(BuildError::CallsInFlight);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked() {
        let with = |calls_per_minute, calls_in_flight_max| Config {
            calls_per_minute,
            calls_in_flight_max,
            ..Config::default()
        };
        assert!(matches!(with(0, 1).check(), Err(BuildError::CallsPerMinute)));
        assert!(matches!(with(CALLS_PER_MINUTE_MAX + 1, 1).check(), Err(BuildError::CallsPerMinute)));
        assert!(matches!(with(5, 0).check(), Err(BuildError::CallsInFlight)));
    }
}
