//! One call: its turn, its token, its tries, its bounds; an outcome that holds no word of the vendor.

mod outcome;
mod retry;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};

pub(super) use outcome::CallError;

use super::quota::Quota;
use super::{BuildError, Config, KeySource};
use crate::stats::count;
use crate::{Clock, Denial, Error, Fault, Outage, Stats};

/// Largest answer that is read: the fullest page of bars (50,000 rows of about 130 bytes) takes 6.5 MB.
pub(super) const BODY_BYTES_MAX: usize = 12 * 1024 * 1024;
/// How old the last outcome may be for a probe to go by it.
const PROBE_REUSE: Duration = Duration::from_secs(60);
/// What a probe asks for: small, and in every plan.
const PROBE_PATH: [&str; 3] = ["v1", "marketstatus", "now"];

pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: KeySource,
    pub(super) clock: Clock,
    quota: Quota,
    turns: Semaphore,
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
        let base = config.checked()?;
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let http = reqwest::Client::builder()
            .user_agent(concat!("investiq/", env!("CARGO_PKG_VERSION")))
            .default_headers(accept)
            .connect_timeout(config.connect_timeout)
            // A redirect would carry the key to a host that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            // Proxies of the environment are not settings of ours.
            .no_proxy()
            .referer(false)
            .https_only(base.scheme() == "https")
            .build()
            .map_err(BuildError::Client)?;
        Ok(Self {
            http,
            base,
            key,
            clock,
            quota: Quota::new(config.calls_per_minute),
            turns: Semaphore::new(config.calls_in_flight_max as usize),
            stats,
            config,
            last_outcome: Mutex::new(None),
        })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The base URL with these path segments, each percent-encoded, and this query.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Gets `url` and reads it as the documented JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, CallError> {
        let body = self.call(&url).await?;
        let answer = serde_json::from_slice(&body).map_err(|_| CallError::Bad(Fault::NotAsDocumented));
        count(if answer.is_ok() { &self.stats.calls_ok } else { &self.stats.calls_bad_data });
        answer
    }

    /// Whether no call is made now, because the vendor said to wait.
    pub(super) fn is_closed(&self) -> bool {
        self.quota.is_closed(Instant::now())
    }

    /// Whether the vendor answers: by the last outcome while it is young, else by one small call.
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
            Err(error) => Err(error.about_the_vendor()),
        }
    }

    async fn call(&self, url: &Url) -> Result<Vec<u8>, CallError> {
        let give_up_at = Instant::now() + self.config.call_timeout;
        let _turn = self.turn().await?;
        let mut tries = 0;
        let outcome = loop {
            let outcome = self.try_once(url, give_up_at).await;
            let pause = retry::pause(&outcome, tries, self.config.retries_max);
            match pause.filter(|pause| Instant::now() + *pause < give_up_at) {
                None => break outcome,
                Some(pause) => sleep(pause).await,
            }
            tries += 1;
            count(&self.stats.retries);
        };
        self.remember(&outcome);
        outcome
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, CallError> {
        match timeout(self.config.turn_wait, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => {
                count(&self.stats.busy_refusals);
                Err(CallError::Outage(Outage::Busy))
            }
        }
    }

    async fn try_once(&self, url: &Url, give_up_at: Instant) -> Result<Vec<u8>, CallError> {
        let Some(mut key) = (self.key)() else {
            count(&self.stats.key_refusals);
            return Err(CallError::Denied(Denial::NoKey));
        };
        key.set_sensitive(true);
        self.quota.take(Instant::now()).map_err(|wait| {
            count(&self.stats.quota_refusals);
            CallError::OutOfQuota(wait)
        })?;
        let limit = self.config.try_timeout.min(give_up_at.saturating_duration_since(Instant::now()));
        let exchange = async {
            let response = self.http.get(url.clone()).header(AUTHORIZATION, key).send().await;
            self.read(response.map_err(|error| CallError::of(&error))?).await
        };
        let outcome = timeout(limit, exchange).await.unwrap_or(Err(CallError::Outage(Outage::Timeout)));
        outcome::count_call(&self.stats, &outcome);
        outcome
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, CallError> {
        let status = response.status();
        match status {
            StatusCode::OK => bounded_body(response).await,
            StatusCode::UNAUTHORIZED => Err(CallError::Denied(Denial::KeyRefused)),
            StatusCode::FORBIDDEN => Err(CallError::Denied(Denial::NotInPlan)),
            StatusCode::NOT_FOUND => Err(CallError::NotFound),
            StatusCode::TOO_MANY_REQUESTS => Err(self.limited(response.headers())),
            status if status.is_redirection() => Err(CallError::Bad(Fault::Redirect)),
            status => Err(CallError::Outage(Outage::Status(status.as_u16()))),
        }
    }

    /// The vendor's word on our calls closes the quota for everybody.
    fn limited(&self, headers: &HeaderMap) -> CallError {
        let wait = retry::after(headers);
        self.quota.close_until(Instant::now() + wait);
        CallError::Limited(wait)
    }

    /// Only outcomes that say something about the vendor.
    fn remember(&self, outcome: &Result<Vec<u8>, CallError>) {
        let outcome = outcome.as_ref().map(drop).map_err(Clone::clone);
        if !matches!(outcome, Err(CallError::OutOfQuota(_) | CallError::Outage(Outage::Busy))) {
            *self.last_outcome.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((Instant::now(), outcome));
        }
    }
}

async fn bounded_body(mut response: Response) -> Result<Vec<u8>, CallError> {
    let too_large = || CallError::Bad(Fault::TooLarge { limit_bytes: BODY_BYTES_MAX });
    if response.content_length().is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| CallError::of(&error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
