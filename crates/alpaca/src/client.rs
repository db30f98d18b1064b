//! The HTTP client of the streams.

use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderValue};

use crate::{BuildError, Clock, Config, KeySource};

/// Time between two probes of an idle connection by the operating system.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) key: KeySource,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
}

impl Client {
    pub(crate) fn new(config: Config, key: KeySource, clock: Clock) -> Result<Self, BuildError> {
        config.check()?;
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        let http = outbound::client_builder(config.connect_timeout, &config.proxy)
            .default_headers(headers)
            .tcp_keepalive(KEEPALIVE)
            .https_only(config.base_url.is_encrypted())
            .build()
            .map_err(BuildError::Client)?;
        Ok(Self { http, key, clock, config })
    }

    pub(crate) fn now_unix_ms(&self) -> i64 {
        (self.clock)()
    }
}
