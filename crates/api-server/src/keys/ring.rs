//! The keys in force, replaced while requests go on.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Faults, Key, KeySet};
use crate::layers::rate_limit;
use crate::metrics::Metrics;

/// The keys in force.
#[derive(Debug)]
pub struct KeyRing {
    set: ArcSwap<KeySet>,
    limit: rate_limit::Config,
    metrics: Arc<Metrics>,
}

impl KeyRing {
    /// Starts with these keys; later ones get this limit.
    #[must_use]
    pub fn new(set: KeySet, limit: rate_limit::Config, metrics: Arc<Metrics>) -> Self {
        metrics.keys.set(i64::try_from(set.len()).unwrap_or(i64::MAX));
        Self { set: ArcSwap::from_pointee(set), limit, metrics }
    }

    /// The key of this text, if it is in force.
    #[must_use]
    pub fn find(&self, presented: &[u8]) -> Option<Arc<Key>> {
        self.set.load().find(presented)
    }

    /// Replaces the keys. Those that stay keep what they have used of their limit. A list without any key is refused:
    /// it would open or close the service by accident.
    ///
    /// # Errors
    /// Everything that is wrong with the new list; the old keys stay in force.
    pub fn reload(&self, text: &str) -> Result<(), Faults> {
        let parsed = KeySet::parse(text, self.limit).and_then(|set| {
            let fault = super::Fault::Empty { position: 1 };
            if set.is_empty() { Err(Faults(vec![fault])) } else { Ok(set) }
        });
        let mut set = parsed.inspect_err(|_| self.metrics.key_reload_failures.inc())?;
        set.keep_from(&self.set.load());
        self.metrics.keys.set(i64::try_from(set.len()).unwrap_or(i64::MAX));
        self.metrics.key_reloads.inc();
        self.set.store(Arc::new(set));
        Ok(())
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
}
