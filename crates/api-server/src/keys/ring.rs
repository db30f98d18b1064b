//! The active API keys, which can be replaced while requests are handled: those of the database, and those of the secret
//! `api_keys`. What the database says of a key counts, also that it was revoked.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::secrets::SecretHandle;
use arc_swap::ArcSwap;
use config::Profile;
use config::api_keys::{Key, KeyError, KeyErrors, KeySet, Label, PresentedKey, StoredKey, StoredKeys};
use jiff::Timestamp;
use rate_limit::Limit;
use store::ApiKey;
use telemetry::metrics::Metrics;

/// Time without an answer of the database after which its keys can no longer change anything: it may have revoked them.
pub(crate) const UNCHECKED_MAX: Duration = Duration::from_secs(30);

/// The active API keys.
#[derive(Debug)]
pub(crate) struct KeyRing {
    active: ArcSwap<ActiveKeys>,
    stored: ArcSwap<StoredKeys>,
    profile: Profile,
    /// The secret that creates the first key.
    bootstrap: Option<SecretHandle>,
    started: Instant,
    /// When the database last answered, in milliseconds after the start.
    checked_ms: AtomicU64,
    limit: Limit,
    metrics: Arc<Metrics>,
    previous_uses: AtomicU64,
}

/// The versions of the secret `api_keys` that are accepted together while it is rotated.
#[derive(Clone, Copy)]
pub(crate) struct KeyLists<'a> {
    pub(crate) current: &'a str,
    pub(crate) pending: Option<&'a str>,
    pub(crate) previous: Option<&'a str>,
}

#[derive(Debug, Default)]
struct ActiveKeys {
    keys: KeySet,
    /// Keys that only the previous list contains.
    previous: KeySet,
}

impl KeyRing {
    /// The keys of the secret `api_keys`. `limit` is for those of later lists, and of the database.
    pub(crate) fn new(set: KeySet, limit: Limit, metrics: Arc<Metrics>) -> Self {
        metrics.keys.set(i64::try_from(set.len()).unwrap_or(i64::MAX));
        metrics.key_anomalies.start(set.labels());
        let active = ArcSwap::from_pointee(ActiveKeys { keys: set, previous: KeySet::default() });
        Self {
            active,
            stored: ArcSwap::default(),
            profile: Profile::Production,
            bootstrap: None,
            started: Instant::now(),
            checked_ms: AtomicU64::new(0),
            limit,
            metrics,
            previous_uses: AtomicU64::new(0),
        }
    }

    /// With the profile that says which keys of the database are accepted, and the secret that creates the first of them.
    pub(crate) fn with_database(self, profile: Profile, bootstrap: Option<SecretHandle>) -> Self {
        Self { profile, bootstrap, ..self }
    }

    /// The active key that equals `presented`. A key of the database may have expired.
    pub(crate) fn find(&self, presented: &[u8]) -> Option<Arc<Key>> {
        let presented = PresentedKey::new(presented)?;
        match self.stored.load().find(&presented) {
            StoredKey::Valid(key) => Some(Arc::clone(key)),
            StoredKey::Ended => None,
            StoredKey::Unknown => {
                let active = self.active.load();
                let found = active.keys.find_digest(&presented);
                found.or_else(|| self.find_previous(&active.previous, &presented))
            }
        }
    }

    /// Whether this is a key of the database that has ended.
    pub(crate) fn is_ended(&self, presented: &[u8]) -> bool {
        PresentedKey::new(presented).is_some_and(|presented| self.stored.load().is_ended(&presented))
    }

    /// Whether this is an active key, or creates one; that does not count as a use.
    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        let active = self.active.load();
        let is_key = |key: PresentedKey| {
            matches!(self.stored.load().find(&key), StoredKey::Valid(_))
                || active.keys.find_digest(&key).or_else(|| active.previous.find_digest(&key)).is_some()
        };
        PresentedKey::new(text).is_some_and(is_key) || self.is_bootstrap_token(text)
    }

    /// Whether this is the secret that creates the first key.
    pub(crate) fn is_bootstrap_token(&self, presented: &[u8]) -> bool {
        let Some(handle) = &self.bootstrap else { return false };
        // Not what was accepted before a change: whoever changes it wants the old one to end.
        handle.load().is_ok_and(|set| set.value().verify_eq(presented))
    }

    /// The number of the last change in the database that these keys have.
    pub(crate) fn stored_version(&self) -> i64 {
        self.stored.load().version()
    }

    /// The keys of the database.
    pub(crate) fn stored(&self) -> Arc<StoredKeys> {
        self.stored.load_full()
    }

    /// Applies the changes in the database since the version that these keys have.
    pub(crate) fn apply_stored(&self, changes: (i64, Vec<ApiKey>), now: Timestamp) {
        let (old, active) = (self.stored.load_full(), self.active.load());
        let stored = old.with_changes(changes, self.limit, self.profile, now);
        self.install_stored(&old, stored);
        self.count(&active, now);
    }

    /// Ends keys that expired more than a day ago.
    pub(crate) fn end_expired(&self, now: Timestamp) {
        let old = self.stored.load_full();
        if let Some(stored) = old.without_expired(now) {
            self.install_stored(&old, stored);
        }
    }

    fn install_stored(&self, old: &StoredKeys, stored: StoredKeys) {
        let labels = |keys: &StoredKeys| keys.iter().map(|key| key.label()).collect::<HashSet<Label>>();
        let (before, after) = (labels(old), labels(&stored));
        self.metrics.key_anomalies.start(after.difference(&before));
        self.metrics.key_anomalies.end(before.difference(&after));
        self.stored.store(Arc::new(stored));
    }

    /// Notes that the database answered.
    pub(crate) fn note_check(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.checked_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Time since the database last answered.
    pub(crate) fn unchecked(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.checked_ms.load(Ordering::Relaxed)))
    }

    /// As if the database had not answered for so long.
    #[cfg(test)]
    pub(crate) fn silent_for_s(self, seconds: u64) -> Self {
        let started = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        Self { started, ..self }
    }

    fn count(&self, active: &ActiveKeys, now: Timestamp) {
        let keys = active.keys.len() + active.previous.len() + self.stored.load().valid_count(now);
        self.metrics.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    fn find_previous(&self, previous: &KeySet, presented: &PresentedKey) -> Option<Arc<Key>> {
        if previous.is_empty() {
            return None;
        }
        let key = previous.find_digest(presented);
        self.previous_uses.fetch_add(u64::from(key.is_some()), Ordering::Relaxed);
        key
    }

    /// Uses of keys that only the previous list contains, since the last call.
    pub(crate) fn take_previous_uses(&self) -> u64 {
        self.previous_uses.swap(0, Ordering::Relaxed)
    }

    #[cfg(test)]
    fn reload(&self, text: &str) -> Result<(), KeyErrors> {
        self.replace(KeyLists { current: text, pending: None, previous: None }).map(drop)
    }

    /// Replaces the keys, and keeps the rate limit state of those that stay. A current list without a key is rejected, because
    /// it would open or close the service by accident. An invalid pending list is ignored, and its errors are returned.
    ///
    /// # Errors
    /// The current list is invalid; the active keys stay.
    pub(crate) fn replace(&self, lists: KeyLists<'_>) -> Result<Option<KeyErrors>, KeyErrors> {
        let mut keys = self.parse(lists.current)?;
        let pending = lists.pending.map(|text| self.parse(text)).transpose();
        let (pending, ignored) = pending.map_or_else(|errors| (None, Some(errors)), |set| (set, None));
        keys.extend(pending.unwrap_or_default());
        let mut previous = lists.previous.and_then(|text| self.parse(text).ok()).unwrap_or_default();
        previous.remove_all(&keys);
        self.metrics.key_reloads.inc();
        self.install(keys, previous);
        Ok(ignored)
    }

    /// Rejects every key, because the list has expired.
    pub(crate) fn close(&self) {
        self.install(KeySet::default(), KeySet::default());
    }

    fn parse(&self, text: &str) -> Result<KeySet, KeyErrors> {
        let parsed = KeySet::parse(text, self.limit)
            .and_then(|set| if set.is_empty() { Err(KeyErrors(vec![KeyError::Empty(1)])) } else { Ok(set) });
        parsed.inspect_err(|_| self.metrics.key_reload_failures.inc())
    }

    fn install(&self, mut keys: KeySet, mut previous: KeySet) {
        let old = self.active.load();
        for set in [&mut keys, &mut previous] {
            set.keep_limits(&old.keys);
            set.keep_limits(&old.previous);
        }
        let labels = || keys.labels().chain(previous.labels());
        let stays: HashSet<Label> = labels().collect();
        self.metrics.key_anomalies.start(labels());
        let old_labels = old.keys.labels().chain(old.previous.labels());
        self.metrics.key_anomalies.end(old_labels.filter(|label| !stays.contains(label)));
        let active = ActiveKeys { keys, previous };
        self.count(&active, telemetry::Clock::System.now());
        self.active.store(Arc::new(active));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    const OLD: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
    const NEW: &str = "Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff";

    /// A ring with the old key, which may be used once per minute.
    fn ring() -> (KeyRing, Arc<Metrics>) {
        let limit = Limit { per_minute: NonZeroU32::MIN, burst: NonZeroU32::MIN };
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        (KeyRing::new(KeySet::parse(OLD, limit).unwrap(), limit, Arc::clone(&metrics)), metrics)
    }

    #[test]
    fn a_key_is_rotated_without_a_gap_and_a_bad_list_changes_nothing() {
        let (ring, metrics) = ring();
        let is_valid = |key: &str| ring.find(key.as_bytes()).is_some();

        ring.find(OLD.as_bytes()).unwrap().limiter.check().unwrap();
        ring.reload(&format!("{OLD},{NEW}")).unwrap();
        assert!(is_valid(OLD) && is_valid(NEW));
        assert!(
            ring.find(OLD.as_bytes()).unwrap().limiter.check().is_err(),
            "a reload does not reset the limit"
        );

        for bad in ["", "weak", &format!("{NEW}:root")] {
            assert!(ring.reload(bad).is_err(), "{bad:?}");
            assert!(is_valid(OLD) && is_valid(NEW));
        }
        let has_series = |key| metrics.text().unwrap().contains(&format!("key=\"{}\"", Label::from_key(key)));
        assert!(has_series(OLD) && has_series(NEW));
        ring.reload(NEW).unwrap();
        assert!(!is_valid(OLD) && is_valid(NEW));
        assert!(!has_series(OLD) && has_series(NEW), "as many series as keys");
        assert_eq!(
            (metrics.key_reloads.get(), metrics.key_reload_failures.get(), metrics.keys.get()),
            (2, 3, 1)
        );
    }

    #[test]
    fn lists_of_a_rotation_are_accepted_together_and_uses_of_the_previous_one_are_counted() {
        let (ring, metrics) = ring();
        let is_valid = |key: &str| ring.find(key.as_bytes()).is_some();
        ring.find(OLD.as_bytes()).unwrap().limiter.check().unwrap();

        let pending = KeyLists { current: OLD, pending: Some(NEW), previous: None };
        assert_eq!(ring.replace(pending), Ok(None));
        assert!(is_valid(OLD) && is_valid(NEW));
        assert!(matches!(ring.replace(KeyLists { pending: Some("weak"), ..pending }), Ok(Some(_))));
        assert!(is_valid(OLD) && !is_valid(NEW), "an invalid pending list is ignored");

        let both = format!("{OLD},{NEW}");
        for (previous, expected) in [(OLD, 2), (both.as_str(), 2)] {
            ring.replace(KeyLists { current: NEW, pending: None, previous: Some(previous) }).unwrap();
            assert!(is_valid(OLD) && is_valid(NEW) && is_valid(OLD));
            assert_eq!((ring.take_previous_uses(), ring.take_previous_uses()), (expected, 0));
        }
        assert!(ring.find(OLD.as_bytes()).unwrap().limiter.check().is_err(), "its limit moves with it");
        assert_eq!(metrics.keys.get(), 2);
        ring.close();
        assert!(!is_valid(OLD) && !is_valid(NEW));
    }
}
