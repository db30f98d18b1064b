//! Settings of the streams.

use std::time::Duration;

use outbound::{BaseUrl, Proxy};

/// Settings of the streams. The defaults suit production; tests shorten the times.
#[derive(Clone, Debug)]
pub struct Config {
    /// Default `https://broker-api.alpaca.markets`; the sandbox is `https://broker-api.sandbox.alpaca.markets`.
    pub base_url: BaseUrl,
    /// The proxy to Alpaca. Default none.
    pub proxy: Proxy,
    /// Time to connect. Default 5 seconds.
    pub connect_timeout: Duration,
    /// Time until Alpaca's response begins. Default 15 seconds.
    pub response_timeout: Duration,
    /// Time without data, heartbeats included, after which a connection is closed. Alpaca documents no heartbeat interval;
    /// 15 seconds were observed. Default 90 seconds.
    pub idle_timeout: Duration,
    /// Longest wait for the sink to store a batch. Default 30 seconds.
    pub sink_timeout: Duration,
    /// How far before its cursor a stream is resumed: ids are in order only within an account, and random within a
    /// millisecond. Default 5 minutes.
    pub margin: Duration,
    /// Age at which a connection is replaced, to read records again that it may have missed. Default 1 hour.
    pub connection_age_max: Duration,
    /// How far before its cursor a stream is resumed after such a replacement. Default 2 hours.
    pub reread_span: Duration,
    /// How far back a stream without a cursor is read. Default 24 hours.
    pub history: Duration,
    /// First pause before reconnecting; each further pause is twice as long. Default 1 second.
    pub backoff_first: Duration,
    /// Longest pause before reconnecting. Default 60 seconds.
    pub backoff_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let base_url = "https://broker-api.alpaca.markets".parse();
        Self {
            base_url: base_url.expect("the constant has a scheme and a host"),
            proxy: Proxy::none(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(90),
            sink_timeout: Duration::from_secs(30),
            margin: Duration::from_secs(5 * 60),
            connection_age_max: Duration::from_secs(60 * 60),
            reread_span: Duration::from_secs(2 * 60 * 60),
            history: Duration::from_secs(24 * 60 * 60),
            backoff_first: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
        }
    }
}

/// The settings are invalid, or the HTTPS client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Without a pause, a server that refuses connections would be called in a tight loop.
    #[error("first backoff pause must be above zero and at most the longest pause")]
    Backoff,
    /// The HTTPS client cannot be built.
    #[error("building the HTTPS client failed")]
    Client(#[source] reqwest::Error),
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let is_valid = !self.backoff_first.is_zero() && self.backoff_first <= self.backoff_max;
        if is_valid { Ok(()) } else { Err(BuildError::Backoff) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_pause() {
        for (first_s, max_s) in [(0, 60), (61, 60)] {
            let (backoff_first, backoff_max) = (Duration::from_secs(first_s), Duration::from_secs(max_s));
            let config = Config { backoff_first, backoff_max, ..Config::default() };
            assert!(matches!(config.check(), Err(BuildError::Backoff)));
        }
    }
}
