//! The keys in force, replaced while requests go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::{Fault, Faults, Key, KeySet};
use crate::layers::rate_limit;
use crate::metrics::Metrics;

/// The keys in force.
#[derive(Debug)]
pub struct KeyRing {
    in_force: ArcSwap<InForce>,
    limit: rate_limit::Config,
    metrics: Arc<Metrics>,
    leaving_uses: AtomicU64,
}

/// The lists of one secret that are accepted together while it is rotated.
#[derive(Clone, Copy)]
pub struct Lists<'a> {
    /// The list in use.
    pub current: &'a str,
    /// The one that is about to take over.
    pub pending: Option<&'a str>,
    /// The one before, until its time is over.
    pub leaving: Option<&'a str>,
}

#[derive(Debug, Default)]
struct InForce {
    keys: KeySet,
    /// Keys that stand in the list before alone.
    leaving: KeySet,
}

impl KeyRing {
    /// Starts with these keys; later ones get this limit.
    #[must_use]
    pub fn new(set: KeySet, limit: rate_limit::Config, metrics: Arc<Metrics>) -> Self {
        metrics.keys.set(i64::try_from(set.len()).unwrap_or(i64::MAX));
        let in_force = ArcSwap::from_pointee(InForce { keys: set, leaving: KeySet::default() });
        Self { in_force, limit, metrics, leaving_uses: AtomicU64::new(0) }
    }

    /// The key of this text, if it is in force.
    #[must_use]
    pub fn find(&self, presented: &[u8]) -> Option<Arc<Key>> {
        let in_force = self.in_force.load();
        in_force.keys.find(presented).or_else(|| self.find_leaving(&in_force.leaving, presented))
    }

    fn find_leaving(&self, leaving: &KeySet, presented: &[u8]) -> Option<Arc<Key>> {
        if leaving.is_empty() {
            return None;
        }
        let found = leaving.find(presented);
        self.leaving_uses.fetch_add(u64::from(found.is_some()), Ordering::Relaxed);
        found
    }

    /// Uses of keys of the list before, since this was last called.
    pub fn take_leaving_uses(&self) -> u64 {
        self.leaving_uses.swap(0, Ordering::Relaxed)
    }

    /// As [`replace`](Self::replace), with one list alone.
    ///
    /// # Errors
    /// Everything that is wrong with the new list; the old keys stay in force.
    pub fn reload(&self, text: &str) -> Result<(), Faults> {
        self.replace(Lists { current: text, pending: None, leaving: None }).map(drop)
    }

    /// Replaces the keys. Those that stay keep what they have used of their limit. A list in use without any key is
    /// refused: it would open or close the service by accident. A list beside it that is not acceptable is left out,
    /// and its faults are the answer.
    ///
    /// # Errors
    /// Everything that is wrong with the list in use; the old keys stay in force.
    pub fn replace(&self, lists: Lists<'_>) -> Result<Option<Faults>, Faults> {
        let mut keys = self.parse(lists.current)?;
        let pending = lists.pending.map(|text| self.parse(text)).transpose();
        let (pending, left_out) = pending.map_or_else(|faults| (None, Some(faults)), |set| (set, None));
        keys.join(pending.unwrap_or_default());
        let mut leaving = lists.leaving.and_then(|text| self.parse(text).ok()).unwrap_or_default();
        leaving.leave_out(&keys);
        self.metrics.key_reloads.inc();
        self.install(keys, leaving);
        Ok(left_out)
    }

    /// Accepts no key at all, because the list of them may be believed no longer.
    pub fn close(&self) {
        self.install(KeySet::default(), KeySet::default());
    }

    fn parse(&self, text: &str) -> Result<KeySet, Faults> {
        let parsed = KeySet::parse(text, self.limit).and_then(|set| {
            let fault = Fault::Empty { position: 1 };
            if set.is_empty() { Err(Faults(vec![fault])) } else { Ok(set) }
        });
        parsed.inspect_err(|_| self.metrics.key_reload_failures.inc())
    }

    fn install(&self, mut keys: KeySet, mut leaving: KeySet) {
        let old = self.in_force.load();
        for set in [&mut keys, &mut leaving] {
            set.keep_from(&old.keys);
            set.keep_from(&old.leaving);
        }
        self.metrics.keys.set(i64::try_from(keys.len() + leaving.len()).unwrap_or(i64::MAX));
        self.in_force.store(Arc::new(InForce { keys, leaving }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    const OLD: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
    const NEW: &str = "Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff";

    #[test]
    fn a_key_is_rotated_without_a_gap_and_a_bad_list_changes_nothing() {
        let one = NonZeroU32::MIN;
        let limit = rate_limit::Config { per_minute: one, burst: one };
        let metrics = Arc::new(Metrics::new([]).unwrap());
        let ring = KeyRing::new(KeySet::parse(OLD, limit).unwrap(), limit, Arc::clone(&metrics));
        let is_valid = |key: &str| ring.find(key.as_bytes()).is_some();

        ring.find(OLD.as_bytes()).unwrap().limiter().check().unwrap();
        ring.reload(&format!("{OLD},{NEW}")).unwrap();
        assert!(is_valid(OLD) && is_valid(NEW));
        assert!(
            ring.find(OLD.as_bytes()).unwrap().limiter().check().is_err(),
            "a reload does not renew the limit"
        );

        for bad in ["", "weak", &format!("{NEW}:root")] {
            assert!(ring.reload(bad).is_err(), "{bad:?}");
            assert!(is_valid(OLD) && is_valid(NEW));
        }
        ring.reload(NEW).unwrap();
        assert!(!is_valid(OLD) && is_valid(NEW));
        assert_eq!(
            (metrics.key_reloads.get(), metrics.key_reload_failures.get(), metrics.keys.get()),
            (2, 3, 1)
        );
    }

    #[test]
    fn lists_of_a_rotation_are_accepted_together_and_the_use_of_the_one_before_is_counted() {
        let one = NonZeroU32::MIN;
        let limit = rate_limit::Config { per_minute: one, burst: one };
        let metrics = Arc::new(Metrics::new([]).unwrap());
        let ring = KeyRing::new(KeySet::parse(OLD, limit).unwrap(), limit, Arc::clone(&metrics));
        let is_valid = |key: &str| ring.find(key.as_bytes()).is_some();
        ring.find(OLD.as_bytes()).unwrap().limiter().check().unwrap();

        let pending = Lists { current: OLD, pending: Some(NEW), leaving: None };
        assert_eq!(ring.replace(pending), Ok(None));
        assert!(is_valid(OLD) && is_valid(NEW));
        assert!(matches!(ring.replace(Lists { pending: Some("weak"), ..pending }), Ok(Some(_))));
        assert!(is_valid(OLD) && !is_valid(NEW), "a bad list beside it is left out");

        let both = format!("{OLD},{NEW}");
        for (leaving, expected) in [(OLD, 2), (both.as_str(), 2)] {
            ring.replace(Lists { current: NEW, pending: None, leaving: Some(leaving) }).unwrap();
            assert!(is_valid(OLD) && is_valid(NEW) && is_valid(OLD));
            assert_eq!((ring.take_leaving_uses(), ring.take_leaving_uses()), (expected, 0));
        }
        assert!(ring.find(OLD.as_bytes()).unwrap().limiter().check().is_err(), "its limit moves with it");
        assert_eq!(metrics.keys.get(), 2);
        ring.close();
        assert!(!is_valid(OLD) && !is_valid(NEW));
    }
}
