//! Circle's public keys: asked of Circle once for each id that a well-formed delivery names, and kept.
//!
//! Whoever sends deliveries decides which ids are asked for, so all strangers together share what may be asked. A part is
//! apart from that: keys that were had before, and whatever Circle's own addresses name. A crowd with made-up ids can
//! keep neither from being fetched.

use std::net::IpAddr;
use std::sync::Arc;

use ::secrets::{SecretHandle, SecretSet, SecretVersion};
use http::HeaderValue;
use jiff::Timestamp;
use store::Store;
use webhooks::circle::direct::{KeyId, PublicKey};

use super::askers::Askers;
use super::circle_addresses;
use super::fetch::{FetchError, Fetcher, Turn};
use super::fetched::Fetched;
use super::kept_keys::{KeptKeys, Told};
use crate::metrics::Fetches;

/// Where Circle answers for a key (developers.circle.com/api-reference/verify-webhook-signatures).
const PATH: &str = "/v2/notifications/publicKey/";

/// Circle's public keys.
#[derive(Debug)]
pub struct CircleKeys {
    base_url: String,
    api_key: SecretHandle,
    askers: Askers,
    fetcher: Fetcher,
    fetched: Fetched<Told>,
    kept: KeptKeys,
}

/// Why a key could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircleKeyError {
    /// There is nothing to ask Circle with.
    #[error("the key for Circle's API is not at hand")]
    NoApiKey,
    /// Circle could not be asked, or did not answer with the key.
    #[error("fetch a public key of Circle")]
    Fetch(#[from] FetchError),
}

/// A key of Circle, for one delivery.
#[derive(Clone, Debug)]
pub struct CircleKey(Arc<Told>);

impl CircleKey {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }
}

impl CircleKeys {
    /// Keys of Circle at `base_url`, asked for with this secret, and kept in this store.
    ///
    /// # Errors
    /// The TLS stack cannot be set up.
    pub fn new(
        base_url: String,
        api_key: SecretHandle,
        store: Store,
        fetches: Fetches,
    ) -> Result<Self, reqwest::Error> {
        let askers = Askers::new(&fetches);
        let fetcher = Fetcher::new(&base_url, fetches)?;
        let (fetched, kept) = (Fetched::default(), KeptKeys::new(store));
        Ok(Self { base_url, api_key, askers, fetcher, fetched, kept })
    }

    /// The key of this id, for whoever names it.
    ///
    /// # Errors
    /// Why it could not be had.
    pub async fn get(
        &self,
        id: &KeyId,
        asker: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<CircleKey, CircleKeyError> {
        // Before what is kept is looked at: without the right to ask, Circle is not a source here.
        let api_key = self.api_key.load().map_err(|_| CircleKeyError::NoApiKey)?;
        // On the heap, once in a day: what a database needs of the stack is not to be carried by every delivery.
        let fetch = async { Box::pin(self.fetch(id, &api_key, asker, now)).await };
        Ok(CircleKey(self.fetched.get(id.as_str(), fetch).await?))
    }

    /// Keeps a key, since it has proved a delivery.
    pub async fn has_proved(&self, key: &CircleKey, now: Timestamp) {
        self.kept.keep(&key.0, now).await;
    }

    async fn fetch(
        &self,
        id: &KeyId,
        api_key: &SecretSet,
        asker: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Told, FetchError> {
        self.recall(now).await;
        let turn = self.turn(id, asker)?;
        let mut outcome = Err(FetchError::Away);
        // While the API key is rotated one of its versions is refused, and it is not known which.
        for version in api_key.accepted() {
            outcome = self.ask(id, version, turn).await;
            if outcome.as_ref().err() != Some(&FetchError::Denied) {
                break;
            }
        }
        if outcome.as_ref().err() == Some(&FetchError::NotThere) {
            self.kept.drop(id, now).await;
        }
        outcome.map(|key| Told { key, at: now })
    }

    async fn recall(&self, now: Timestamp) {
        let known = |told: Told| {
            let age = now.duration_since(told.at).try_into().unwrap_or_default();
            self.fetched.recall(told.key.id().as_str().to_owned(), told, age);
        };
        self.kept.recall(known).await;
    }

    fn turn(&self, id: &KeyId, asker: Option<IpAddr>) -> Result<Turn, FetchError> {
        if self.fetched.was_had(id.as_str()) || asker.is_some_and(circle_addresses::contain) {
            return Ok(Turn::Reserved);
        }
        self.askers.turn(asker)?;
        Ok(Turn::Shared)
    }

    async fn ask(&self, id: &KeyId, version: &SecretVersion, turn: Turn) -> Result<PublicKey, FetchError> {
        let bearer = bearer(version).ok_or(FetchError::Denied)?;
        let url = [&self.base_url, PATH, id.as_str()].concat();
        let answer = self.fetcher.get(&url, Some(bearer), turn).await?;
        let key = PublicKey::parse(&answer).ok().filter(|key| key.id() == id);
        key.ok_or_else(|| {
            tracing::warn!(key = %id, "Circle answers with something else than the key that was asked for");
            FetchError::NotThere
        })
    }
}

fn bearer(version: &SecretVersion) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(["Bearer ", version.value().expose_text()?].concat()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
