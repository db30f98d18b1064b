//! Settings of the client, and what they must satisfy.

use std::time::Duration;

use reqwest::Url;

use crate::cache;

/// Most calls a minute that can be set: each is remembered for a minute, 16 MB at the bound.
pub const CALLS_PER_MINUTE_MAX: u32 = 1_000_000;

/// Settings of the client. The defaults suit a paid plan; a free one allows 5 calls a minute.
#[derive(Clone, Debug)]
pub struct Config {
    /// Scheme, host and port of the vendor: `https`, or `http` on a loopback host. Default `https://api.massive.com`.
    pub base_url: String,
    /// Calls in any 60 seconds (`POLYGON_RATE_LIMIT`), 1 to [`CALLS_PER_MINUTE_MAX`]. Default 3000.
    pub calls_per_minute: u32,
    /// Calls in flight at one moment (`POLYGON_MAX_CONCURRENT`), at least 1. Default 50.
    pub calls_in_flight_max: u32,
    /// How long a call waits for its turn among those in flight. Default 1 second.
    pub turn_wait: Duration,
    /// Time to connect. Default 2 seconds.
    pub connect_timeout: Duration,
    /// Time for one try, its body included. Default 5 seconds.
    pub try_timeout: Duration,
    /// Time for a call with all its tries and pauses. Default 8 seconds.
    pub call_timeout: Duration,
    /// Further tries after a connection that failed, a timeout or a 5xx. Default 2.
    pub retries_max: u32,
    /// Days of history asked for. Default 3653 (ten years).
    pub history_days: u32,
    /// How long a symbol's name and filings are used before they are asked for again. Default 24 hours.
    pub reference_fresh_for: Duration,
    /// How long symbols are kept.
    pub cache: cache::Config,
    /// How long the market's returns are kept: one call for all symbols. Default one hour fresh.
    pub benchmark_cache: cache::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: "https://api.massive.com".to_owned(),
            calls_per_minute: 3_000,
            calls_in_flight_max: 50,
            turn_wait: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            try_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(8),
            retries_max: 2,
            history_days: 3_653,
            reference_fresh_for: Duration::from_secs(24 * 60 * 60),
            cache: cache::Config::default(),
            benchmark_cache: cache::Config {
                fresh_for: Duration::from_secs(60 * 60),
                symbols_max: 1,
                failures_max: 1,
                fetches_max: 1,
                ..cache::Config::default()
            },
        }
    }
}

/// Why the client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The base URL is something else than a scheme, a host and a port.
    #[error(
        "the vendor's base URL must be a scheme, a host and at most a port, such as https://api.massive.com"
    )]
    BaseUrl,
    /// A key would travel in the clear.
    #[error("the vendor's base URL must be https, or http on a loopback host")]
    NotEncrypted,
    /// The quota is outside its bounds.
    #[error("calls per minute must be 1 to {CALLS_PER_MINUTE_MAX}")]
    CallsPerMinute,
    /// The cap is zero.
    #[error("at least one call must be allowed in flight")]
    CallsInFlight,
    /// The TLS client cannot be set up.
    #[error("building the HTTPS client")]
    Client(#[source] reqwest::Error),
}

impl Config {
    /// The base URL, once every setting is seen to be usable.
    pub(super) fn checked(&self) -> Result<Url, BuildError> {
        if !(1..=CALLS_PER_MINUTE_MAX).contains(&self.calls_per_minute) {
            return Err(BuildError::CallsPerMinute);
        }
        if self.calls_in_flight_max == 0 {
            return Err(BuildError::CallsInFlight);
        }
        let url = Url::parse(&self.base_url).map_err(|_| BuildError::BaseUrl)?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare || url.host_str().is_none() {
            return Err(BuildError::BaseUrl);
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            _ => Err(BuildError::NotEncrypted),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_travels_encrypted_or_stays_on_this_machine() {
        for (base_url, is_taken) in [
            ("https://api.massive.com", true),
            ("https://api.polygon.io/", true),
            ("https://proxy.example:8443", true),
            ("http://127.0.0.1:9", true),
            ("http://[::1]:9", true),
            ("http://localhost:9", true),
            ("http://api.massive.com", false),
            ("http://127.0.0.1.example", false),
            ("https://api.massive.com/v2", false),
            ("https://user:word@api.massive.com", false),
            ("https://api.massive.com?apiKey=x", false),
            ("ftp://localhost", false),
            ("api.massive.com", false),
            ("", false),
        ] {
            let config = Config { base_url: base_url.to_owned(), ..Config::default() };
            assert_eq!(config.checked().is_ok(), is_taken, "{base_url}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        let with = |calls_per_minute, calls_in_flight_max| Config {
            calls_per_minute,
            calls_in_flight_max,
            ..Config::default()
        };
        assert!(matches!(with(0, 1).checked(), Err(BuildError::CallsPerMinute)));
        assert!(matches!(with(CALLS_PER_MINUTE_MAX + 1, 1).checked(), Err(BuildError::CallsPerMinute)));
        assert!(matches!(with(5, 0).checked(), Err(BuildError::CallsInFlight)));
    }
}
