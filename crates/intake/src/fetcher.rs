//! Fetches small documents from fixed hosts: without redirects, and with limits of time, size and rate.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use outbound::{BaseUrl, BodyError, Proxy};
use prometheus::IntCounter;
use telemetry::metrics::FetchMetrics;
use telemetry::traces::{self, SpanKind};

/// Longest time for one document, from the first byte sent to the last one read.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest document: a certificate with its chain takes about 8 kB.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Time between two fetches of a quota: the rate for all unknown senders together. Each of them has a lower limit.
const FETCH_PERIOD: Duration = Duration::from_millis(500);
/// Fetches of a quota at once after a pause.
const FETCH_BURST: NonZeroU32 = NonZeroU32::new(32).expect("32 is not 0");

/// Why a document was not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host does not have the document, or its response is another one.
    #[error("document not found")]
    NotFound,
    /// The host refused the API key.
    #[error("API key denied by the host")]
    Denied,
    /// The host is down, or its response is invalid.
    #[error("host unavailable")]
    Unavailable,
    /// Too many documents were requested.
    #[error("fetch limit exceeded; retry after {retry_after_s} s")]
    Limited {
        /// Seconds until the next fetch.
        retry_after_s: u64,
    },
}

/// Which limit a fetch counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchQuota {
    /// Shared by all unknown senders.
    Shared,
    /// For documents that unknown senders cannot choose.
    Reserved,
}

/// Fetches documents of one kind.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
    shared: Limiter,
    reserved: Limiter,
    metrics: FetchMetrics,
}

type Limiter = RateLimiter<
    NotKeyed,
    InMemoryState,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as governor::clock::Clock>::Instant>,
>;

impl Fetcher {
    /// Uses TLS only, unless the base URL is an emulator on a loopback address.
    pub(crate) fn new(
        base_url: Option<&BaseUrl>,
        proxy: &Proxy,
        metrics: FetchMetrics,
    ) -> Result<Self, reqwest::Error> {
        let client = outbound::client_builder(CONNECT_TIMEOUT, proxy)
            .timeout(FETCH_TIMEOUT)
            .https_only(base_url.is_none_or(BaseUrl::is_encrypted))
            .build()?;
        Ok(Self { client, shared: limiter(), reserved: limiter(), metrics })
    }

    /// The document at `url`.
    pub(crate) async fn get(
        &self,
        url: &str,
        bearer: Option<HeaderValue>,
        quota: FetchQuota,
    ) -> Result<Vec<u8>, FetchError> {
        self.check(quota)?;
        let mut span = traces::child(SpanKind::Client, || "GET");
        span.set("http.request.method", "GET");
        span.set_text("server.address", host(url).as_bytes());
        let outcome = self.fetch(url, bearer).await.inspect_err(|error| span.fail(reason(error)));
        self.counter(outcome.as_ref().err()).inc();
        outcome
    }

    fn check(&self, quota: FetchQuota) -> Result<(), FetchError> {
        let limiter = match quota {
            FetchQuota::Shared => &self.shared,
            FetchQuota::Reserved => &self.reserved,
        };
        limiter.check().map_err(|refusal| {
            self.metrics.limited.inc();
            let wait = refusal.wait_time_from(MonotonicClock.now());
            FetchError::Limited { retry_after_s: wait.as_secs() + 1 }
        })
    }

    fn counter(&self, error: Option<&FetchError>) -> &IntCounter {
        match error {
            None => &self.metrics.fetched,
            Some(FetchError::NotFound) => &self.metrics.not_found,
            Some(FetchError::Denied) => &self.metrics.denied,
            Some(FetchError::Unavailable) => &self.metrics.unavailable,
            Some(FetchError::Limited { .. }) => &self.metrics.limited,
        }
    }

    async fn fetch(&self, url: &str, bearer: Option<HeaderValue>) -> Result<Vec<u8>, FetchError> {
        let mut request = self.client.get(url);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let response = request.send().await.map_err(|error| unavailable(&error))?;
        match response.status().as_u16() {
            200 => {}
            400 | 404 | 410 => return Err(FetchError::NotFound),
            401 | 403 => return Err(FetchError::Denied),
            status => {
                tracing::warn!(status, "fetching a webhook key or certificate failed");
                return Err(FetchError::Unavailable);
            }
        }
        outbound::read_body(response, DOCUMENT_BYTES_MAX).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => FetchError::NotFound,
            BodyError::Connection(error) => unavailable(&error),
        })
    }
}

/// The host of a URL, which may have a token elsewhere.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?']).next();
    authority.unwrap_or_default().rsplit('@').next().unwrap_or_default()
}

fn reason(error: &FetchError) -> &'static str {
    match error {
        FetchError::NotFound => "not_found",
        FetchError::Denied => "denied",
        FetchError::Unavailable => "unavailable",
        FetchError::Limited { .. } => "limited",
    }
}

fn limiter() -> Limiter {
    let quota = Quota::with_period(FETCH_PERIOD).expect("a period is positive").allow_burst(FETCH_BURST);
    RateLimiter::direct_with_clock(quota, MonotonicClock)
}

/// Logs the error without the URL, which may contain a token.
fn unavailable(error: &reqwest::Error) -> FetchError {
    let (is_timeout, is_connect) = (error.is_timeout(), error.is_connect());
    tracing::warn!(is_timeout, is_connect, "fetching a webhook key or certificate failed");
    FetchError::Unavailable
}
