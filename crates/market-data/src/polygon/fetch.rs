//! The calls of one fetch, each made by one of all replicas.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Url;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::client::{CallError, Client};
use super::shared::{LOOK_PERIOD, SharedResponse, SharedResponses};
use crate::Outage;
use crate::cache::CacheConfig;
use crate::stats::count;

/// How much the clock of another replica may be ahead, in milliseconds.
const CLOCKS_DIFFER_MS: i64 = 5_000;
/// Longest wait for another replica's call while there is a stale response.
const STALE_WAIT: Duration = Duration::from_secs(1);

/// The calls for one symbol.
pub(super) struct Fetch {
    pub(super) client: Arc<Client>,
    pub(super) fresh_for: Duration,
    stale_for: Duration,
    has_stale: AtomicBool,
}

/// A response that was checked.
pub(super) struct Response<T> {
    pub(super) value: T,
    /// When the vendor sent it.
    pub(super) fetched_at_ms: i64,
}

impl Fetch {
    /// A fetch whose result is cached so.
    pub(super) fn new(client: Arc<Client>, cache: &CacheConfig) -> Self {
        Self {
            client,
            fresh_for: cache.fresh_for,
            stale_for: cache.stale_for,
            has_stale: AtomicBool::new(false),
        }
    }

    /// Whether a response was stale, so that everything should be fetched again soon.
    pub(super) fn has_stale(&self) -> bool {
        self.has_stale.load(Ordering::Relaxed)
    }

    fn stale<T>(&self, response: Response<T>) -> Response<T> {
        self.has_stale.store(true, Ordering::Relaxed);
        self.shared(response)
    }

    fn shared<T>(&self, response: Response<T>) -> Response<T> {
        count(&self.client.stats().calls_shared);
        response
    }

    /// Gets `url` and parses the response as the documented JSON. `check` refuses one that is not what was asked for, and says whether
    /// one is worth sharing.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        url: Url,
        check: impl Fn(&T) -> Result<bool, CallError>,
    ) -> Result<Response<T>, CallError> {
        let Some(shared) = self.client.shared() else {
            let (value, _) = self.client.get(&url).await?;
            return check(&value).map(|_| Response { value, fetched_at_ms: (self.client.clock)() });
        };
        let is_fresh = |response: &Response<T>| self.age(response.fetched_at_ms) < self.fresh_for;
        let (name, token, hold) = (url.as_str(), random_token(), self.client.config.call_timeout);
        let mut found = self.read(shared, &url, &check).await;
        let started = Instant::now();
        // Another replica makes the call: only whether it has ended is asked meanwhile.
        while found.as_ref().is_none_or(|found| !is_fresh(found)) && !shared.claim(name, &token, hold).await {
            match found.take_if(|_| started.elapsed() >= STALE_WAIT) {
                Some(response) => return Ok(self.stale(response)),
                None if started.elapsed() >= hold => return Err(CallError::Outage(Outage::Timeout)),
                None => sleep(LOOK_PERIOD).await,
            }
        }
        if found.as_ref().is_none_or(|found| !is_fresh(found)) {
            // It may have ended since.
            found = self.read(shared, &url, &check).await.or(found);
        }
        if let Some(response) = found.take_if(|found| is_fresh(found)) {
            shared.release(name, &token).await;
            return Ok(self.shared(response));
        }
        let called = self.client.get(&url).await;
        let checked = match called {
            Ok((value, body)) => {
                let response = SharedResponse { body, fetched_at_ms: (self.client.clock)() };
                let is_useful = check(&value);
                if is_useful == Ok(true) {
                    self.write(shared, &url, &response).await;
                }
                is_useful.map(|_| Response { value, fetched_at_ms: response.fetched_at_ms })
            }
            Err(error) => Err(error),
        };
        shared.release(name, &token).await;
        match (checked, found) {
            // The vendor is away: what another replica has fetched before is better than nothing.
            (Err(error), Some(response)) if error.is_outage() => Ok(self.stale(response)),
            (checked, _) => checked,
        }
    }

    async fn write(&self, shared: &dyn SharedResponses, url: &Url, response: &SharedResponse) {
        if let Some(text) = self.client.key().and_then(|key| response.seal(url, &key)) {
            shared.write(url.as_str(), text, self.stale_for).await;
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        shared: &dyn SharedResponses,
        url: &Url,
        check: impl Fn(&T) -> Result<bool, CallError>,
    ) -> Option<Response<T>> {
        let text = shared.read(url.as_str()).await?;
        let response = SharedResponse::open(&text, url, &self.client.key()?)?;
        let SharedResponse { body, fetched_at_ms } = response;
        let value = serde_json::from_slice(&body).ok()?;
        let is_of_past = fetched_at_ms <= (self.client.clock)().saturating_add(CLOCKS_DIFFER_MS);
        let is_usable = is_of_past && self.age(fetched_at_ms) < self.stale_for && check(&value).is_ok();
        is_usable.then_some(Response { value, fetched_at_ms })
    }

    /// How long ago that was. The clocks of replicas differ a little.
    pub(super) fn age(&self, fetched_at_ms: i64) -> Duration {
        let age_ms = (self.client.clock)().saturating_sub(fetched_at_ms);
        Duration::from_millis(u64::try_from(age_ms).unwrap_or_default())
    }
}

/// The name of a claim.
fn random_token() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
