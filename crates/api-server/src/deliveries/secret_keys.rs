//! The keys of a source as its secret has them now: the version in use, the one about to take over and the one before.
//!
//! Looked at for every delivery, so that a rotated key counts from the moment at which the secret changed, and a secret that
//! may be believed no longer proves nothing more. The text is read anew only when the secret is another one.

use std::fmt;
use std::sync::Arc;

use ::secrets::{SecretHandle, SecretSet, Stage};
use arc_swap::ArcSwapOption;
use webhooks::KeysError;

/// How the keys of a source are read. Fields are functions, so that two sources whose keys are of different types share
/// what follows.
pub struct Reading<K> {
    /// Reads the text of one version.
    pub parse: fn(&str) -> Result<K, KeysError>,
    /// The keys of one version, and those of another that is accepted beside it.
    pub join: fn(K, K) -> Result<K, KeysError>,
    /// What the keys are called.
    pub labels: fn(&K) -> Vec<Box<str>>,
}

/// The keys of a source, behind its secret.
pub struct SecretKeys<K> {
    handle: SecretHandle,
    reading: Reading<K>,
    kept: ArcSwapOption<InForce<K>>,
}

/// The keys that prove deliveries now.
pub struct InForce<K> {
    set: Arc<SecretSet>,
    versions: usize,
    keys: K,
    /// What keys of the version before are called that are in no later one.
    leaving: Vec<Box<str>>,
}

/// No key of the source is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key of the source is at hand")]
pub struct NoKey;

impl<K: Clone> SecretKeys<K> {
    /// The keys of this secret.
    #[must_use]
    pub fn new(handle: SecretHandle, reading: Reading<K>) -> Self {
        Self { handle, reading, kept: ArcSwapOption::empty() }
    }

    /// The keys now.
    ///
    /// # Errors
    /// [`NoKey`] when there is no secret, it may be believed no longer, or no version of it that was ever seen is readable.
    pub fn now(&self) -> Result<Arc<InForce<K>>, NoKey> {
        let set = self.handle.load().map_err(|_| NoKey)?;
        let versions = set.accepted().count();
        let kept = self.kept.load_full();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.are_of(&set, versions)) {
            return Ok(Arc::clone(kept));
        }
        let fresh = Arc::new(self.read(set, versions, kept.as_deref())?);
        self.kept.store(Some(Arc::clone(&fresh)));
        Ok(fresh)
    }

    /// The keys of this secret as it is now; a version in use that cannot be read leaves those before it in force.
    fn read(
        &self,
        set: Arc<SecretSet>,
        versions: usize,
        before: Option<&InForce<K>>,
    ) -> Result<InForce<K>, NoKey> {
        let Reading { parse, join, labels } = self.reading;
        let secret = self.handle.name();
        let current = parse(set.value().expose_text().unwrap_or_default());
        let mut keys = match (current, before) {
            (Ok(keys), _) => keys,
            (Err(error), Some(before)) => {
                tracing::error!(%secret, %error, "new keys are refused; the old ones stay in force");
                let (keys, leaving) = (before.keys.clone(), before.leaving.clone());
                return Ok(InForce { set, versions, keys, leaving });
            }
            (Err(error), None) => {
                tracing::error!(%secret, %error, "the keys are refused: nothing of this source can be proved");
                return Err(NoKey);
            }
        };
        let mut known = labels(&keys);
        let mut leaving = Vec::new();
        for version in set.accepted().filter(|version| version.stage() != Stage::Current) {
            let beside = parse(version.value().expose_text().unwrap_or_default());
            match beside.and_then(|beside| join(keys.clone(), beside)) {
                Ok(joined) => keys = joined,
                Err(error) => tracing::warn!(%secret, %error, "keys beside those in use are left out"),
            }
            if version.stage() == Stage::Previous {
                leaving = labels(&keys).into_iter().filter(|label| !known.contains(label)).collect();
            }
            known = labels(&keys);
        }
        Ok(InForce { set, versions, keys, leaving })
    }
}

impl<K> InForce<K> {
    /// The keys themselves.
    #[must_use]
    pub fn keys(&self) -> &K {
        &self.keys
    }

    /// Notes that the key of this label proved a delivery: while one of the version before does, it cannot be retired.
    pub fn was_used(&self, label: &str) {
        if self.leaving.iter().any(|leaving| **leaving == *label) {
            self.set.previous_was_used(1);
        }
    }

    fn are_of(&self, set: &Arc<SecretSet>, versions: usize) -> bool {
        Arc::ptr_eq(&self.set, set) && self.versions == versions
    }
}

impl<K> Clone for Reading<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Reading<K> {}

impl<K> fmt::Debug for SecretKeys<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretKeys").field("secret", self.handle.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use ::secrets::{Catalogue, Profile, Secrets};

    use super::*;
    use crate::clock::Clock;

    const OLD: &str = "an old secret of some length";
    const NEW: &str = "a newer secret of some length";

    fn write(directory: &Path, text: &str) {
        let (path, fresh) = (directory.join("alpaca_webhook_secret"), directory.join(".fresh"));
        std::fs::write(&fresh, text).unwrap();
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o400)).unwrap();
        std::fs::rename(fresh, path).unwrap();
    }

    fn keys(secrets: &Secrets) -> SecretKeys<webhooks::alpaca::Keys> {
        let handle = secrets.handle("alpaca_webhook_secret", "test").unwrap();
        SecretKeys::new(handle, super::super::ALPACA_KEYS)
    }

    async fn secrets(directory: &Path) -> Secrets {
        let clock: ::secrets::Clock = Arc::new(|| Clock::System.now().into());
        let secrets = Secrets::builder(Profile::Development, Catalogue::product(), clock)
            .local(::secrets::Environment::new([]), directory);
        secrets.build().await.unwrap()
    }

    #[tokio::test]
    async fn without_a_secret_there_is_no_key() {
        let directory = tempfile::tempdir().unwrap();
        assert!(keys(&secrets(directory.path()).await).now().is_err());
    }

    #[tokio::test]
    async fn a_new_version_counts_at_once_beside_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), OLD);
        let secrets = secrets(directory.path()).await;
        let keys = keys(&secrets);
        let labels = |keys: &SecretKeys<webhooks::alpaca::Keys>| {
            let now = keys.now().unwrap();
            let labels: Vec<String> = now.keys().labels().map(str::to_owned).collect();
            (labels, now.leaving.clone())
        };
        assert_eq!(labels(&keys), (vec!["key1".to_owned()], vec![]));
        write(directory.path(), NEW);
        secrets.reload().await;
        let both = vec!["key1".to_owned(), "key1-previous".to_owned()];
        assert_eq!(labels(&keys), (both.clone(), vec!["key1-previous".into()]));
        write(directory.path(), "short");
        secrets.reload().await;
        assert_eq!(labels(&keys).0, both, "what cannot be read changes nothing");
    }
}
