//! Circle's public keys: asked of Circle once for each id that a well-formed delivery names, and kept.

use std::net::IpAddr;
use std::sync::Arc;

use ::secrets::{SecretHandle, SecretVersion};
use http::HeaderValue;
use webhooks::circle::direct::{KeyId, PublicKey};

use super::askers::Askers;
use super::fetch::{FetchError, Fetcher};
use super::fetched::Fetched;
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
    fetched: Fetched<PublicKey>,
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

impl CircleKeys {
    /// Keys of Circle at `base_url`, asked for with this secret.
    ///
    /// # Errors
    /// The TLS stack cannot be set up.
    pub fn new(base_url: String, api_key: SecretHandle, fetches: Fetches) -> Result<Self, reqwest::Error> {
        let askers = Askers::new(&fetches);
        let fetcher = Fetcher::new(&base_url, fetches)?;
        Ok(Self { base_url, api_key, askers, fetcher, fetched: Fetched::default() })
    }

    /// The key of this id, for whoever names it.
    ///
    /// # Errors
    /// Why it could not be had.
    pub async fn get(&self, id: &KeyId, asker: Option<IpAddr>) -> Result<Arc<PublicKey>, CircleKeyError> {
        // Before what is kept is looked at: without the right to ask, Circle is not a source here.
        let api_key = self.api_key.load().map_err(|_| CircleKeyError::NoApiKey)?;
        let fetch = async {
            self.askers.turn(asker)?;
            let mut outcome = Err(FetchError::Away);
            // While the API key is rotated one of its versions is refused, and it is not known which.
            for version in api_key.accepted() {
                outcome = self.ask(id, version).await;
                if outcome.as_ref().err() != Some(&FetchError::Denied) {
                    break;
                }
            }
            outcome
        };
        Ok(self.fetched.get(id.as_str(), fetch).await?)
    }

    async fn ask(&self, id: &KeyId, version: &SecretVersion) -> Result<PublicKey, FetchError> {
        let bearer = bearer(version).ok_or(FetchError::Denied)?;
        let url = [&self.base_url, PATH, id.as_str()].concat();
        let answer = self.fetcher.get(&url, Some(bearer)).await?;
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
