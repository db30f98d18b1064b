//! Fetches one small document from a host that was decided before: no redirects, little time, few bytes, and limited in rate.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use outbound::{BaseUrl, BodyError};
use prometheus::IntCounter;
use telemetry::metrics::FetchMetrics;

/// Longest time for one document, from the first byte sent to the last one read.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest document: a certificate with its chain takes about 8 kB.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Time in which one more fetch of a quota is earned: the most that all unknown senders together can make the server fetch.
/// Each of them has a far smaller share.
const FETCH_PERIOD: Duration = Duration::from_millis(500);
/// Fetches at once after a pause.
const FETCH_BURST: NonZeroU32 = NonZeroU32::new(32).expect("32 is not 0");

/// Why a document was not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host does not have it, or has something else in its place.
    #[error("document not found")]
    NotFound,
    /// The host refused the API key.
    #[error("API key denied by the host")]
    Denied,
    /// The host is down, or its response is invalid.
    #[error("host unavailable")]
    Unavailable,
    /// Too many documents were looked for.
    #[error("fetch limit exceeded; retry after {retry_after_s} s")]
    Limited {
        /// Seconds until the next fetch.
        retry_after_s: u64,
    },
}

/// Which limit a fetch counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchQuota {
    /// All unknown senders share it.
    Shared,
    /// No unknown sender can use it up. It is as large again, for a few documents that are fetched again once a day.
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
    /// Only over TLS, unless the base URL is that of an emulator on a loopback address.
    pub(crate) fn new(base_url: Option<&BaseUrl>, metrics: FetchMetrics) -> Result<Self, reqwest::Error> {
        let client = outbound::client_builder(CONNECT_TIMEOUT)
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
        let outcome = self.fetch(url, bearer).await;
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

fn limiter() -> Limiter {
    let quota = Quota::with_period(FETCH_PERIOD).expect("a period is positive").allow_burst(FETCH_BURST);
    RateLimiter::direct_with_clock(quota, MonotonicClock)
}

/// Logged without the URL, which may carry a token.
fn unavailable(error: &reqwest::Error) -> FetchError {
    let (is_timeout, is_connect) = (error.is_timeout(), error.is_connect());
    tracing::warn!(is_timeout, is_connect, "fetching a webhook key or certificate failed");
    FetchError::Unavailable
}
