//! The keys in a provider's secret: of its current, pending and previous versions.
//!
//! The secret is checked for every delivery, so that a rotation takes effect at once and an expired secret verifies nothing. Its
//! text is parsed again only after it changed.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use secrets::{SecretHandle, SecretSet, Stage};
use webhooks::{KeyFormat, Keys};

/// The keys in the secret of a provider.
#[derive(Debug)]
pub struct SecretKeys {
    handle: SecretHandle,
    format: KeyFormat,
    active: ArcSwapOption<ActiveKeys>,
}

/// The keys that verify deliveries now.
#[derive(Debug)]
pub struct ActiveKeys {
    set: Arc<SecretSet>,
    versions: usize,
    /// The keys of every accepted version.
    pub keys: Keys,
    /// Labels of keys that are only in the previous version.
    previous_labels: Vec<Box<str>>,
}

/// No key of the provider is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key of the provider is configured")]
pub struct NoKey;

impl SecretKeys {
    /// The keys in this secret, which are written in this format.
    #[must_use]
    pub fn new(handle: SecretHandle, format: KeyFormat) -> Self {
        Self { handle, format, active: ArcSwapOption::empty() }
    }

    /// The active keys.
    ///
    /// # Errors
    /// [`NoKey`] when the secret is missing or expired, or when none of its versions was ever valid.
    pub fn active(&self) -> Result<Arc<ActiveKeys>, NoKey> {
        let set = self.handle.load().map_err(|_| NoKey)?;
        let versions = set.accepted().count();
        let before = self.active.load_full();
        if let Some(active) = before.as_ref().filter(|active| active.are_of(&set, versions)) {
            return Ok(Arc::clone(active));
        }
        let active = Arc::new(self.parse(set, versions, before.as_deref())?);
        self.active.store(Some(Arc::clone(&active)));
        Ok(active)
    }

    /// Parses the accepted versions. If the current version is invalid, the keys in `before` stay active.
    fn parse(
        &self,
        set: Arc<SecretSet>,
        versions: usize,
        before: Option<&ActiveKeys>,
    ) -> Result<ActiveKeys, NoKey> {
        let secret = self.handle.name();
        let current = Keys::parse(self.format, set.value().expose_text().unwrap_or_default());
        let mut keys = match (current, before) {
            (Ok(keys), _) => keys,
            (Err(error), Some(before)) => {
                tracing::error!(%secret, %error, "new webhook keys rejected: the previous ones stay in use");
                let (keys, previous_labels) = (before.keys.clone(), before.previous_labels.clone());
                return Ok(ActiveKeys { set, versions, keys, previous_labels });
            }
            (Err(error), None) => {
                tracing::error!(%secret, %error, "webhook keys are invalid: deliveries of this provider are rejected");
                return Err(NoKey);
            }
        };
        let labels = |keys: &Keys| keys.labels().map(Box::from).collect::<Vec<Box<str>>>();
        let mut earlier_labels = labels(&keys);
        let mut previous_labels = Vec::new();
        for version in set.accepted().filter(|version| version.stage() != Stage::Current) {
            let other = Keys::parse(self.format, version.value().expose_text().unwrap_or_default());
            match other.and_then(|other| keys.clone().and_earlier(other)) {
                Ok(joined) => keys = joined,
                Err(error) => {
                    tracing::warn!(%secret, %error, "webhook keys of another version are invalid: ignored");
                }
            }
            if version.stage() == Stage::Previous {
                previous_labels =
                    labels(&keys).into_iter().filter(|label| !earlier_labels.contains(label)).collect();
            }
            earlier_labels = labels(&keys);
        }
        Ok(ActiveKeys { set, versions, keys, previous_labels })
    }
}

impl ActiveKeys {
    /// Counts a delivery that the key of this label verified, if only the previous version has the key: that version cannot
    /// be retired yet.
    pub(crate) fn note_use(&self, label: &str) {
        if self.previous_labels.iter().any(|previous| **previous == *label) {
            self.set.count_previous_uses(1);
        }
    }

    fn are_of(&self, set: &Arc<SecretSet>, versions: usize) -> bool {
        Arc::ptr_eq(&self.set, set) && self.versions == versions
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use secrets::{Catalogue, Environment, Profile, Secrets};
    use telemetry::Clock;

    use super::*;

    const OLD: &str = "an old secret of some length";
    const NEW: &str = "a newer secret of some length";

    fn write(directory: &Path, text: &str) {
        let (path, fresh) = (directory.join("alpaca_webhook_secret"), directory.join(".fresh"));
        std::fs::write(&fresh, text).unwrap();
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o400)).unwrap();
        std::fs::rename(fresh, path).unwrap();
    }

    fn keys(secrets: &Secrets) -> SecretKeys {
        SecretKeys::new(secrets.handle("alpaca_webhook_secret", "test").unwrap(), KeyFormat::HmacSecrets)
    }

    async fn secrets(directory: &Path) -> Secrets {
        let clock: secrets::Clock = Arc::new(|| Clock::System.now().into());
        let secrets = Secrets::builder(Profile::Development, Catalogue::product(), clock)
            .local(Environment::default(), directory);
        secrets.build().await.unwrap()
    }

    #[tokio::test]
    async fn without_a_secret_there_is_no_key() {
        let directory = tempfile::tempdir().unwrap();
        assert!(keys(&secrets(directory.path()).await).active().is_err());
    }

    #[tokio::test]
    async fn a_version_that_replaces_another_by_hand_counts_at_once_and_alone() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), OLD);
        let secrets = secrets(directory.path()).await;
        let keys = keys(&secrets);
        let labels = || {
            let active = keys.active().unwrap();
            let labels: Vec<String> = active.keys.labels().map(str::to_owned).collect();
            (labels, active.previous_labels.clone())
        };
        assert_eq!(labels(), (vec!["key1".to_owned()], vec![]));
        write(directory.path(), NEW);
        secrets.reload().await;
        assert_eq!(labels(), (vec!["key1".to_owned()], vec![]));
        assert!(keys.active().unwrap().set.verify_eq(NEW.as_bytes()).is_some());
        write(directory.path(), "short");
        secrets.reload().await;
        assert_eq!(labels(), (vec!["key1".to_owned()], vec![]), "an invalid version changes nothing");
        assert!(keys.active().unwrap().set.verify_eq(OLD.as_bytes()).is_none());
    }
}
