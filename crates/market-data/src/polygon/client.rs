//! One call, with its permit, quota, retries and bounds. Outcomes contain no text of the vendor.

mod outcome;
mod retry;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::Retryable;
use outbound::BaseUrl;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use telemetry::traces::{self, SpanKind};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};

pub(super) use outcome::CallError;

use super::quota::Quota;
use super::shared::SharedResponses;
use super::{BuildError, Config, KeySource};
use crate::stats::count;
use crate::{Clock, Denial, Error, Fault, Outage, Stats};

/// Largest response that is read: the fullest page of bars (50,000 rows of about 130 bytes) takes 6.5 MB.
pub(super) const BODY_BYTES_MAX: usize = 12 * 1024 * 1024;
/// How old the last outcome may be for a probe to reuse it.
const PROBE_REUSE: Duration = Duration::from_secs(60);
/// Path that a probe requests: a small response that every plan includes.
const PROBE_PATH: [&str; 3] = ["v1", "marketstatus", "now"];

pub(crate) struct Client {
    http: reqwest::Client,
    key: KeySource,
    pub(super) clock: Clock,
    quota: Quota,
    permits: Semaphore,
    stats: Arc<Stats>,
    pub(super) config: Config,
    last_outcome: Mutex<Option<(Instant, Result<(), CallError>)>>,
}

impl Client {
    pub(super) fn new(
        config: Config,
        key: KeySource,
        clock: Clock,
        stats: Arc<Stats>,
    ) -> Result<Self, BuildError> {
        config.check()?;
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let http = outbound::client_builder(config.connect_timeout, &config.proxy)
            .default_headers(accept)
            .https_only(config.base_url.is_encrypted())
            .build()
            .map_err(BuildError::Client)?;
        Ok(Self {
            http,
            key,
            clock,
            quota: Quota::new(config.calls_per_minute),
            permits: Semaphore::new(config.calls_in_flight_max as usize),
            stats,
            config,
            last_outcome: Mutex::new(None),
        })
    }

    pub(super) fn base_url(&self) -> &BaseUrl {
        &self.config.base_url
    }

    /// The base URL with percent-encoded path segments and a query.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base_url().to_url();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Gets `url`, and parses the response as the documented JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<(T, Vec<u8>), CallError> {
        let body = self.call(url).await?;
        let parsed = serde_json::from_slice(&body).map_err(|_| CallError::Bad(Fault::NotAsDocumented));
        count(if parsed.is_ok() { &self.stats.calls_ok } else { &self.stats.calls_bad_data });
        Ok((parsed?, body))
    }

    /// Where replicas share responses, if they do.
    pub(super) fn shared(&self) -> Option<&dyn SharedResponses> {
        self.config.shared.as_deref()
    }

    /// The API key of the vendor.
    pub(super) fn key(&self) -> Option<HeaderValue> {
        (self.key)()
    }

    pub(super) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether calls are paused because the vendor asked us to wait.
    pub(super) fn is_rate_limited(&self) -> bool {
        self.quota.is_paused(Instant::now())
    }

    /// Checks whether the vendor is available: by the last outcome if it is recent, else by one small call.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let last = self.last_outcome.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outcome = match last {
            Some((at, outcome)) if at.elapsed() < PROBE_REUSE => outcome,
            Some(_) | None => {
                self.call(&self.url(&PROBE_PATH, &[])).await.map(|_| count(&self.stats.calls_ok))
            }
        };
        match outcome {
            Ok(()) | Err(CallError::NotFound) => Ok(()),
            Err(error) => Err(error.for_probe()),
        }
    }

    async fn call(&self, url: &Url) -> Result<Vec<u8>, CallError> {
        let deadline = Instant::now() + self.config.call_timeout;
        let _permit = self.permit().await?;
        let outcome = (|| self.try_once(url, deadline))
            .retry(retry::policy(self.config.retries_max))
            .sleep(sleep)
            .adjust(|error, pause| {
                retry::pause(error, pause).filter(|pause| Instant::now() + *pause < deadline)
            })
            .notify(|_, _| count(&self.stats.retries))
            .await;
        self.remember(&outcome);
        outcome
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, CallError> {
        match timeout(self.config.permit_timeout, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => {
                count(&self.stats.busy_refusals);
                Err(CallError::Outage(Outage::Busy))
            }
        }
    }

    async fn try_once(&self, url: &Url, deadline: Instant) -> Result<Vec<u8>, CallError> {
        let Some(mut key) = (self.key)() else {
            count(&self.stats.key_refusals);
            return Err(CallError::Denied(Denial::NoKey));
        };
        key.set_sensitive(true);
        self.quota.acquire(Instant::now()).map_err(|wait| {
            count(&self.stats.quota_refusals);
            CallError::OutOfQuota(wait)
        })?;
        let limit = self.config.try_timeout.min(deadline.saturating_duration_since(Instant::now()));
        let mut span = traces::child(SpanKind::Client, || "GET");
        span.set("http.request.method", "GET");
        span.set_text("server.address", url.host_str().unwrap_or_default().as_bytes());
        span.set_text("url.path", url.path().as_bytes());
        // Without our ids: they are no vendor's business.
        let exchange = async {
            let response = self.http.get(url.clone()).header(AUTHORIZATION, key).send().await;
            self.read(response.map_err(|error| CallError::from_reqwest(&error))?).await
        };
        let outcome = timeout(limit, exchange).await.unwrap_or(Err(CallError::Outage(Outage::Timeout)));
        outcome::end_span(span, &outcome);
        outcome::count_call(&self.stats, &outcome);
        outcome
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, CallError> {
        match response.status() {
            StatusCode::OK => Ok(outbound::read_body(response, BODY_BYTES_MAX).await?),
            StatusCode::UNAUTHORIZED => Err(CallError::Denied(Denial::KeyRefused)),
            StatusCode::FORBIDDEN => Err(CallError::Denied(Denial::NotInPlan)),
            StatusCode::NOT_FOUND => Err(CallError::NotFound),
            StatusCode::TOO_MANY_REQUESTS => Err(self.rate_limited(response.headers())),
            status if status.is_redirection() => Err(CallError::Bad(Fault::Redirect)),
            status => Err(CallError::Outage(Outage::Status(status.as_u16()))),
        }
    }

    /// A 429 pauses all calls, not only this one.
    fn rate_limited(&self, headers: &HeaderMap) -> CallError {
        let wait = retry::requested_wait(headers);
        self.quota.pause_until(Instant::now() + wait);
        CallError::RateLimited(wait)
    }

    /// Remembers outcomes for [`Self::probe`], except those that do not depend on the vendor.
    fn remember(&self, outcome: &Result<Vec<u8>, CallError>) {
        let outcome = outcome.as_ref().map(drop).map_err(Clone::clone);
        if !matches!(outcome, Err(CallError::OutOfQuota(_) | CallError::Outage(Outage::Busy))) {
            *self.last_outcome.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((Instant::now(), outcome));
        }
    }
}
