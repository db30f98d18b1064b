//! Settings of the streams, and what they must satisfy.

use std::time::Duration;

use reqwest::Url;

/// Settings of the streams. The defaults suit production; tests shorten the times.
#[derive(Clone, Debug)]
pub struct Config {
    /// Scheme, host and port of the broker: `https`, or `http` on a loopback host. Default
    /// `https://broker-api.alpaca.markets`; the sandbox is `https://broker-api.sandbox.alpaca.markets`.
    pub base_url: String,
    /// Time to connect. Default 5 seconds.
    pub connect_timeout: Duration,
    /// Time until the broker's answer begins. Default 15 seconds.
    pub answer_timeout: Duration,
    /// Longest silence of a connection, heartbeats counted as sound. The broker names no cadence; 15 seconds have been
    /// seen. Default 90 seconds.
    pub silence_max: Duration,
    /// Longest wait for the sink to keep a batch. Default 30 seconds.
    pub sink_timeout: Duration,
    /// How far before its cursor a stream is resumed: ids are in order for each account alone, and at random within a
    /// millisecond. Default 5 minutes.
    pub margin: Duration,
    /// How long a connection is used before it is made anew, to read again what it may have missed. Default 1 hour.
    pub connection_age_max: Duration,
    /// How far before its cursor a stream is resumed after that. Default 2 hours.
    pub reread_span: Duration,
    /// How far back a stream is read that has no cursor yet. Default 24 hours.
    pub history: Duration,
    /// First pause before another connection; each further one is twice as long. Default 1 second.
    pub pause_first: Duration,
    /// Longest pause. Default 60 seconds.
    pub pause_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: "https://broker-api.alpaca.markets".to_owned(),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(15),
            silence_max: Duration::from_secs(90),
            sink_timeout: Duration::from_secs(30),
            margin: Duration::from_secs(5 * 60),
            connection_age_max: Duration::from_secs(60 * 60),
            reread_span: Duration::from_secs(2 * 60 * 60),
            history: Duration::from_secs(24 * 60 * 60),
            pause_first: Duration::from_secs(1),
            pause_max: Duration::from_secs(60),
        }
    }
}

/// Why the streams cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The base URL is something else than a scheme, a host and a port.
    #[error(
        "the broker's base URL must be a scheme, a host and at most a port, such as https://broker-api.alpaca.markets"
    )]
    BaseUrl,
    /// A key would travel in the clear.
    #[error("the broker's base URL must be https, or http on a loopback host")]
    NotEncrypted,
    /// Without a pause, a broker that refuses would be asked without end.
    #[error("the first pause between connections must be longer than nothing, and at most the longest")]
    Pauses,
    /// The TLS client cannot be set up.
    #[error("building the HTTPS client")]
    Client(#[source] reqwest::Error),
}

impl Config {
    /// The base URL, once every setting is seen to be usable.
    pub(crate) fn checked(&self) -> Result<Url, BuildError> {
        if self.pause_first.is_zero() || self.pause_first > self.pause_max {
            return Err(BuildError::Pauses);
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
            ("https://broker-api.alpaca.markets", true),
            ("https://broker-api.sandbox.alpaca.markets/", true),
            ("http://127.0.0.1:9", true),
            ("http://[::1]:9", true),
            ("http://localhost:9", true),
            ("http://broker-api.alpaca.markets", false),
            ("http://127.0.0.1.example", false),
            ("https://broker-api.alpaca.markets/v1", false),
            ("https://user:word@broker-api.alpaca.markets", false),
            ("https://broker-api.alpaca.markets?since=x", false),
            ("broker-api.alpaca.markets", false),
            ("", false),
        ] {
            let config = Config { base_url: base_url.to_owned(), ..Config::default() };
            assert_eq!(config.checked().is_ok(), is_taken, "{base_url}");
        }
    }

    #[test]
    fn there_is_always_a_pause() {
        for (first_s, max_s) in [(0, 60), (61, 60)] {
            let (pause_first, pause_max) = (Duration::from_secs(first_s), Duration::from_secs(max_s));
            let config = Config { pause_first, pause_max, ..Config::default() };
            assert!(matches!(config.checked(), Err(BuildError::Pauses)));
        }
    }
}
