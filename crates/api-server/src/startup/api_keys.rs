//! Loads the secret `api_keys`, and reloads it when it changes.

use std::sync::Arc;
use std::time::Duration;

use ::secrets::{Freshness, SecretHandle, SecretSet, Stage};
use config::Config;
use config::api_keys::KeySet;
use store::ApiKey;
use telemetry::Clock;
use telemetry::metrics::Metrics;

use super::Error;
use crate::keys::{AuthMode, KeyLists, KeyRing};

/// Keys if there are any, or if the first may be created. Without keys the server is open, but only to this machine, and logs a
/// warning.
pub(super) fn mode(
    config: &Config,
    secrets: (&SecretHandle, SecretHandle),
    stored: (i64, Vec<ApiKey>),
    metrics: &Arc<Metrics>,
) -> Result<AuthMode, Error> {
    let (keys, bootstrap) = secrets;
    let limit = config.http.rate_limit;
    let secret = keys.load_optional()?;
    let text = secret.as_ref().and_then(|set| set.value().expose_text()).unwrap_or_default();
    let set = KeySet::parse(text, limit)?;
    let has_bootstrap = bootstrap.load_optional()?.is_some();
    let has_keys = !set.is_empty() || stored.0 > 0 || has_bootstrap;
    let ring = has_keys.then(|| {
        let ring = KeyRing::new(set, limit, Arc::clone(metrics));
        let ring = ring.with_database(config.profile, Some(bootstrap));
        ring.apply_stored(stored, Clock::System.now());
        Arc::new(ring)
    });
    let mode = AuthMode::decide(ring, config)?;
    if mode.is_open() {
        tracing::info!(
            address = %config.bind_address,
            "no API keys: clients on this machine have read access; create an API key, or set API_KEYS, and restart to require keys"
        );
    }
    Ok(mode)
}

/// Time between two checks whether the list or its previous version has expired, which no event reports.
const CHECK_PERIOD: Duration = Duration::from_secs(1);

/// Updates the keys in use when the secret changes.
pub(super) struct KeyReloader {
    keys: SecretHandle,
    ring: Arc<KeyRing>,
    /// The version in use, and how many versions are accepted; `None` when every key is rejected.
    applied: Option<(Arc<SecretSet>, usize)>,
}

impl KeyReloader {
    pub(super) fn new(keys: SecretHandle, ring: Arc<KeyRing>) -> Self {
        let applied = keys.load().ok().map(|set| (set, 1));
        Self { keys, ring, applied }
    }

    /// Applies every new list; never returns. If a list is invalid, the previous one stays in use.
    pub(super) async fn run(mut self) {
        loop {
            self.check();
            tokio::select! {
                () = self.keys.changed() => self.apply(),
                () = tokio::time::sleep(CHECK_PERIOD) => {}
            }
        }
    }

    fn check(&mut self) {
        let is_valid = match self.keys.health().freshness {
            Freshness::Fresh | Freshness::Stale { .. } => true,
            Freshness::Expired | Freshness::Absent => false,
        };
        match &self.applied {
            Some((set, versions)) if is_valid => {
                let uses = self.ring.take_previous_uses();
                if uses > 0 {
                    set.count_previous_uses(uses);
                }
                if set.accepted().count() != *versions {
                    self.apply();
                }
            }
            None if !is_valid => {}
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
        let lists = KeyLists { current, pending: text(Stage::Pending), previous: text(Stage::Previous) };
        match self.ring.replace(lists) {
            Ok(None) => tracing::info!("API keys reloaded"),
            Ok(Some(error)) => {
                tracing::error!(%error, "pending API keys rejected");
            }
            Err(error) => tracing::error!(%error, "new API keys rejected: the previous ones stay in use"),
        }
        let versions = set.accepted().count();
        self.applied = Some((set, versions));
    }

    fn close(&mut self, error: &::secrets::Error) {
        if self.applied.take().is_some() {
            tracing::error!(%error, "API keys expired: every key is rejected");
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
    use rate_limit::Limit;

    const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";

    fn write(directory: &Path) {
        let path = directory.join("api_keys");
        std::fs::write(&path, KEY).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o400)).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn expired_keys_are_rejected_until_the_secret_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path());
        let clock: ::secrets::Clock = Arc::new(|| Clock::System.now().into());
        let secrets = Secrets::builder(Profile::Development, Catalogue::product(), clock)
            .local(::secrets::Environment::default(), directory.path());
        let secrets = secrets.build().await.unwrap();
        let keys = secrets.handle("api_keys", "test").unwrap();
        let one = std::num::NonZeroU32::MIN;
        let limit = Limit { per_minute: one, burst: one };
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let ring = Arc::new(KeyRing::new(KeySet::parse(KEY, limit).unwrap(), limit, metrics));
        let _reloader = tokio::spawn(KeyReloader::new(keys, Arc::clone(&ring)).run());
        let accepts = || ring.find(KEY.as_bytes()).is_some();

        std::fs::remove_file(directory.path().join("api_keys")).unwrap();
        secrets.reload().await;
        tokio::time::sleep(Duration::from_secs(298)).await;
        assert!(accepts(), "a missing file is tolerated for the grace");
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(!accepts());
        write(directory.path());
        secrets.reload().await;
        tokio::time::sleep(2 * CHECK_PERIOD).await;
        assert!(accepts());
    }
}
