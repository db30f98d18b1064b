//! From the secret `api_keys` to how callers are known.

use std::sync::Arc;

use secrets::{Kind, SecretHandle};

use super::Error;
use crate::config::Config;
use crate::keys::{AuthMode, KeyRing, KeySet};
use crate::metrics::Metrics;

/// Keys when there are any; without them open, where only this machine can reach the service, and loudly.
pub(super) fn mode(config: &Config, keys: &SecretHandle, metrics: &Arc<Metrics>) -> Result<AuthMode, Error> {
    let limit = config.layers.rate_limit;
    let set = KeySet::parse(&text(keys)?, limit)?;
    let ring = (!set.is_empty()).then(|| Arc::new(KeyRing::new(set, limit, Arc::clone(metrics))));
    let bind = config.bind_address;
    let mode = AuthMode::decide(ring, bind.ip(), config.keys_required)?;
    if mode.is_open() {
        tracing::warn!(
            address = %bind,
            "NO API KEYS: everyone who can reach this loopback address may read; set API_KEYS to close it"
        );
    }
    Ok(mode)
}

/// The list as it is now; empty when there is none. A list that is there and cannot be read is not the same as none.
fn text(keys: &SecretHandle) -> Result<String, Error> {
    match keys.load() {
        Ok(set) => Ok(set.value().expose_text().unwrap_or_default().to_owned()),
        Err(error) if error.kind() == Kind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::Secret(error)),
    }
}

/// Brings every new list into force until the service ends. A bad one leaves the old one in force.
pub(super) async fn keep_current(mut keys: SecretHandle, ring: Arc<KeyRing>) {
    loop {
        keys.changed().await;
        let reloaded = text(&keys).and_then(|text| Ok(ring.reload(&text)?));
        match reloaded {
            Ok(()) => tracing::info!("new API keys are in force"),
            Err(error) => tracing::error!(%error, "new API keys are refused; the old ones stay in force"),
        }
    }
}
