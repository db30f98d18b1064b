//! Circle's public keys: fetched from Circle once for each id that a well-formed delivery names, and cached.
//!
//! The sender chooses the id, so all unknown senders share one quota. Another quota is reserved for keys that were fetched
//! before and for ids from Circle's own addresses, so that invented ids cannot prevent their fetch.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use jiff::Timestamp;
use outbound::{BaseUrl, Proxy};
use secrets::{SecretHandle, SecretSet, SecretVersion};
use store::Store;
use telemetry::metrics::FetchMetrics;
use webhooks::circle::direct::{KeyId, PublicKey};

use super::addresses;
use super::key_store::{FetchedKey, KeyStore};
use crate::document_cache::DocumentCache;
use crate::error::IntakeError;
use crate::fetch_limiter::FetchLimiter;
use crate::fetcher::{FetchError, FetchQuota, Fetcher};
use crate::secret_keys::NoKey;

/// The path of a key (developers.circle.com/api-reference/verify-webhook-signatures).
const PATH: &str = "/v2/notifications/publicKey/";

/// Circle's public keys.
#[derive(Debug)]
pub(crate) struct CircleKeys {
    base_url: BaseUrl,
    api_key: SecretHandle,
    limiter: FetchLimiter,
    fetcher: Fetcher,
    cache: DocumentCache<FetchedKey>,
    key_store: KeyStore,
}

impl CircleKeys {
    pub(crate) fn new(
        base_url: BaseUrl,
        api_key: SecretHandle,
        store: Store,
        proxy: &Proxy,
        metrics: FetchMetrics,
    ) -> Result<Self, reqwest::Error> {
        let limiter = FetchLimiter::new(&metrics);
        let fetcher = Fetcher::new(Some(&base_url), proxy, metrics)?;
        let (cache, key_store) = (DocumentCache::default(), KeyStore::new(store));
        Ok(Self { base_url, api_key, limiter, fetcher, cache, key_store })
    }

    /// The key of this id, which `client` sent.
    pub(crate) async fn get(
        &self,
        id: &KeyId,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<FetchedKey>, IntakeError> {
        // Before the cache: without an API key, Circle is not configured here.
        let api_key = self.api_key.load().map_err(|_| NoKey)?;
        // Boxed, so that a fetch once a day does not make the future of every delivery large.
        let fetch = async { Box::pin(self.fetch(id, &api_key, client, now)).await };
        Ok(self.cache.get(id.as_str(), fetch).await?)
    }

    /// Stores a key that verified a delivery.
    pub(crate) async fn note_use(&self, key: &FetchedKey, now: Timestamp) {
        self.key_store.save(key, now).await;
    }

    async fn fetch(
        &self,
        id: &KeyId,
        api_key: &SecretSet,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<FetchedKey, FetchError> {
        self.load_stored(now).await;
        let quota = self.quota(id, client)?;
        let mut outcome = Err(FetchError::Unavailable);
        // While the API key is rotated, Circle denies one of its versions.
        for version in api_key.accepted() {
            outcome = self.fetch_with(id, version, quota).await;
            if outcome.as_ref().err() != Some(&FetchError::Denied) {
                break;
            }
        }
        if outcome.as_ref().err() == Some(&FetchError::NotFound) {
            self.key_store.delete(id, now).await;
        }
        outcome.map(|key| FetchedKey { key, at: now })
    }

    async fn load_stored(&self, now: Timestamp) {
        let restore = |stored: FetchedKey| {
            let age = now.duration_since(stored.at).try_into().unwrap_or_default();
            self.cache.restore(stored.key.id().as_str().to_owned(), stored, age);
        };
        self.key_store.load_once(restore).await;
    }

    fn quota(&self, id: &KeyId, client: Option<IpAddr>) -> Result<FetchQuota, FetchError> {
        if self.cache.has_fallback(id.as_str()) || client.is_some_and(addresses::contain) {
            return Ok(FetchQuota::Reserved);
        }
        self.limiter.check(client)?;
        Ok(FetchQuota::Shared)
    }

    async fn fetch_with(
        &self,
        id: &KeyId,
        version: &SecretVersion,
        quota: FetchQuota,
    ) -> Result<PublicKey, FetchError> {
        let bearer = bearer(version).ok_or(FetchError::Denied)?;
        let url = format!("{}{PATH}{}", self.base_url, id.as_str());
        let response = self.fetcher.get(&url, Some(bearer), quota).await?;
        let key = PublicKey::parse(&response).ok().filter(|key| key.id() == id);
        key.ok_or_else(|| {
            tracing::warn!(key = %id, "response of Circle is not the requested public key");
            FetchError::NotFound
        })
    }
}

fn bearer(version: &SecretVersion) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(["Bearer ", version.value().expose_text()?].concat()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
