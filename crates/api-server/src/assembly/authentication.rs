//! From the secret `api_keys` to how callers are known.

use std::sync::Arc;
use std::time::Duration;

use ::secrets::{Freshness, Kind, SecretHandle, SecretSet, Stage};

use super::Error;
use crate::config::Config;
use crate::keys::{AuthMode, KeyRing, KeySet, Lists};
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

/// Looks this often whether a list may still be believed, and whether the time of the one before is over: neither is
/// told by anyone.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Keeps the keys in force those of the secret.
pub(super) struct Keeper {
    keys: SecretHandle,
    ring: Arc<KeyRing>,
    /// What is in force, and how many of its versions; `None` when the ring is closed.
    applied: Option<(Arc<SecretSet>, usize)>,
}

impl Keeper {
    pub(super) fn new(keys: SecretHandle, ring: Arc<KeyRing>) -> Self {
        let applied = keys.load().ok().map(|set| (set, 1));
        Self { keys, ring, applied }
    }

    /// Brings every new list into force until the service ends. A bad one leaves the old one in force.
    pub(super) async fn run(mut self) {
        loop {
            self.look();
            tokio::select! {
                () = self.keys.changed() => self.apply(),
                () = tokio::time::sleep(LOOK_PERIOD) => {}
            }
        }
    }

    fn look(&mut self) {
        let is_believed = match self.keys.health().freshness {
            Freshness::Fresh | Freshness::Stale { .. } => true,
            Freshness::Expired | Freshness::Absent => false,
        };
        match &self.applied {
            Some((set, versions)) if is_believed => {
                let uses = self.ring.take_leaving_uses();
                if uses > 0 {
                    set.previous_was_used(uses);
                }
                if set.accepted().count() != *versions {
                    self.apply();
                }
            }
            None if !is_believed => {}
            Some(_) | None => self.apply(),
        }
    }

    fn apply(&mut self) {
        let set = match self.keys.load() {
            Ok(set) => set,
            Err(error) => return self.close(&error),
        };
        let text = |stage| {
            let version = set.accepted().find(|version| version.stage() == stage)?;
            version.value().expose_text()
        };
        let current = set.value().expose_text().unwrap_or_default();
        let lists = Lists { current, pending: text(Stage::Pending), leaving: text(Stage::Previous) };
        match self.ring.replace(lists) {
            Ok(None) => tracing::info!("new API keys are in force"),
            Ok(Some(error)) => {
                tracing::error!(%error, "the API keys that are about to take over are refused");
            }
            Err(error) => tracing::error!(%error, "new API keys are refused; the old ones stay in force"),
        }
        let versions = set.accepted().count();
        self.applied = Some((set, versions));
    }

    fn close(&mut self, error: &::secrets::Error) {
        if self.applied.take().is_some() {
            tracing::error!(%error, "the API keys may be believed no longer: every key is refused");
        }
        self.ring.close();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use ::secrets::{Catalogue, Profile, Secrets};

    use super::*;
    use crate::clock::Clock;
    use crate::layers::rate_limit;

    const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";

    fn write(directory: &Path) {
        let path = directory.join("api_keys");
        std::fs::write(&path, KEY).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o400)).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_may_be_believed_no_longer_are_refused_until_they_are_found_again() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path());
        let clock: ::secrets::Clock = Arc::new(|| Clock::System.now().into());
        let secrets = Secrets::builder(Profile::Development, Catalogue::product(), clock)
            .local(::secrets::Environment::new([]), directory.path());
        let secrets = secrets.build().await.unwrap();
        let keys = secrets.handle("api_keys", "test").unwrap();
        let one = std::num::NonZeroU32::MIN;
        let limit = rate_limit::Config { per_minute: one, burst: one };
        let metrics = Arc::new(Metrics::new([]).unwrap());
        let ring = Arc::new(KeyRing::new(KeySet::parse(KEY, limit).unwrap(), limit, metrics));
        let _keeper = tokio::spawn(Keeper::new(keys, Arc::clone(&ring)).run());
        let accepts = || ring.find(KEY.as_bytes()).is_some();

        std::fs::remove_file(directory.path().join("api_keys")).unwrap();
        secrets.reload().await;
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert!(accepts(), "for a minute it may be a slip");
        tokio::time::sleep(Duration::from_secs(12)).await;
        assert!(!accepts());
        write(directory.path());
        secrets.reload().await;
        tokio::time::sleep(2 * LOOK_PERIOD).await;
        assert!(accepts());
    }
}
