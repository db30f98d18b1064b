//! The calls of one fetch, each made by one of all replicas, and the time of the oldest response among them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::Url;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::client::{CallError, Client};
use super::shared::{LOOK_PERIOD, SharedResponse, SharedResponses};
use crate::cache::CacheConfig;
use crate::stats::count;

/// The calls for one symbol.
pub(super) struct Fetch {
    pub(super) client: Arc<Client>,
    fresh_for: Duration,
    stale_for: Duration,
    oldest_ms: AtomicI64,
}

impl Fetch {
    /// A fetch whose result is cached so.
    pub(super) fn new(client: Arc<Client>, cache: &CacheConfig) -> Self {
        let oldest_ms = AtomicI64::new((client.clock)());
        Self { client, fresh_for: cache.fresh_for, stale_for: cache.stale_for, oldest_ms }
    }

    /// The time at which the vendor sent the oldest response.
    pub(super) fn fetched_at_ms(&self) -> i64 {
        self.oldest_ms.load(Ordering::Relaxed)
    }

    /// How old that response is.
    pub(super) fn age(&self) -> Duration {
        self.age_of(self.fetched_at_ms())
    }

    /// Gets `url` and parses the response as the documented JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, CallError> {
        let Some(shared) = self.client.shared() else {
            return self.client.get(&url).await.map(|(value, _)| value);
        };
        let deadline = Instant::now() + self.client.config.call_timeout;
        let (name, hold) = (url.as_str(), self.client.config.call_timeout);
        let mut stale = None;
        loop {
            match self.read(shared, &url).await {
                Some((value, age)) if self.is_fresh(age) => return Ok(self.note(value, age)),
                found => stale = found.or(stale),
            }
            // Another replica makes the call, unless it takes too long.
            if shared.claim(name, hold).await || Instant::now() >= deadline {
                break;
            }
            sleep(LOOK_PERIOD).await;
        }
        let called = self.client.get(&url).await;
        if let Ok((_, body)) = &called {
            let response = SharedResponse { body: body.clone(), fetched_at_ms: (self.client.clock)() };
            if let Some(text) = self.client.key().and_then(|key| response.seal(&url, &key)) {
                shared.write(name, text, self.stale_for).await;
            }
        }
        shared.release(name).await;
        match (called, stale) {
            (Ok((value, _)), _) => Ok(value),
            // The vendor is away: what another replica has fetched before is better than nothing.
            (Err(error), Some((value, age))) if error.is_outage() => Ok(self.note(value, age)),
            (Err(error), _) => Err(error),
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        shared: &dyn SharedResponses,
        url: &Url,
    ) -> Option<(T, Duration)> {
        let text = shared.read(url.as_str()).await?;
        let response = SharedResponse::open(&text, url, &self.client.key()?)?;
        let age = self.age_of(response.fetched_at_ms);
        (age < self.stale_for).then_some(())?;
        Some((serde_json::from_slice(&response.body).ok()?, age))
    }

    fn is_fresh(&self, age: Duration) -> bool {
        age < self.fresh_for
    }

    fn note<T>(&self, value: T, age: Duration) -> T {
        count(&self.client.stats().calls_shared);
        let at = (self.client.clock)() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        self.oldest_ms.fetch_min(at, Ordering::Relaxed);
        value
    }

    fn age_of(&self, fetched_at_ms: i64) -> Duration {
        // The clocks of replicas differ a little.
        Duration::from_millis(u64::try_from((self.client.clock)() - fetched_at_ms).unwrap_or_default())
    }
}
