//! The API keys of the database.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use domain::KeyMode;
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use rate_limit::{KeyLimiter, Limit};
use secrets::Profile;
use store::{ApiKey, ApiKeyId, ApiKeySettings};
use subtle::ConstantTimeEq;

use super::key::{Key, Sha256Digest, StoredTerms, Usage, prefix};
use super::set::PresentedKey;
use crate::settings::limit;

/// Time for which an expired key keeps its limit and its metrics, and is distinguished from a wrong key.
const EXPIRED_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Whether a server with this profile accepts a key of this mode: a key for real money in production alone, a test key
/// everywhere but there.
#[must_use]
pub fn accepts_mode(profile: Profile, mode: KeyMode) -> bool {
    let is_production = profile == Profile::Production;
    match mode {
        KeyMode::Live => is_production,
        KeyMode::Paper => true,
        KeyMode::Test => !is_production,
    }
}

/// The mode of a key that names none.
#[must_use]
pub fn default_mode(profile: Profile) -> KeyMode {
    if profile == Profile::Production { KeyMode::Live } else { KeyMode::Test }
}

/// A network such as `203.0.113.0/24`, or one address.
#[must_use]
pub fn parse_network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(|network| network.trunc())
}

/// The keys of the database, as of one version.
#[derive(Clone, Debug, Default)]
pub struct StoredKeys {
    version: i64,
    by_prefix: HashMap<u64, Arc<Key>>,
    /// Keys that are not accepted, wherever else they are listed: revoked, forged, of another mode, or expired a day ago.
    ended: HashSet<Sha256Digest>,
    /// Uses of ended keys that are not written yet.
    ended_usages: HashMap<ApiKeyId, Arc<Usage>>,
}

/// What the database has of a presented key.
#[derive(Debug)]
pub enum StoredKey<'a> {
    /// Nothing.
    Unknown,
    /// It must not be accepted.
    Ended,
    /// A key, which may have expired.
    Valid(&'a Arc<Key>),
}

impl StoredKeys {
    /// The number of the last change that these keys have.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Each key that is accepted.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.by_prefix.values()
    }

    /// Whether the database has this key, and it is not accepted.
    #[must_use]
    pub fn is_ended(&self, presented: &PresentedKey) -> bool {
        let PresentedKey(digest) = presented;
        self.ended.contains(digest)
    }

    /// The uses of each key that are not written yet, also of keys that have ended since.
    pub fn usages(&self) -> impl Iterator<Item = (ApiKeyId, &Usage)> {
        let terms = self.iter().filter_map(|key| key.stored.as_ref());
        let accepted = terms.map(|terms| (terms.id, &*terms.usage));
        accepted.chain(self.ended_usages.iter().map(|(id, usage)| (*id, &**usage)))
    }

    /// These keys without those that expired more than a day ago; `None` if there are none of them.
    #[must_use]
    pub fn without_expired(&self, now: Timestamp) -> Option<Self> {
        let is_over =
            |key: &Arc<Key>| key.stored.as_ref().is_some_and(|terms| is_long_over(terms.expires_at, now));
        self.iter().any(is_over).then(|| {
            let mut keys = self.clone();
            keys.end(is_over);
            keys
        })
    }

    /// No longer accepts these keys.
    fn end(&mut self, is_over: impl Fn(&Arc<Key>) -> bool) {
        self.ended_usages.retain(|_, usage| usage.unwritten().is_some());
        for (_, key) in self.by_prefix.extract_if(|_, key| is_over(key)) {
            self.ended.insert(key.digest);
            self.ended_usages.extend(key.stored.iter().map(|terms| (terms.id, Arc::clone(&terms.usage))));
        }
    }

    /// The number of keys that have not expired.
    #[must_use]
    pub fn valid_count(&self, now: Timestamp) -> usize {
        let is_valid = |key: &&Arc<Key>| key.stored.as_ref().is_some_and(|terms| terms.expires_at > now);
        self.iter().filter(is_valid).count()
    }

    /// Whether the database has or had a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty() && self.ended.is_empty()
    }

    /// The key with this text.
    #[must_use]
    pub fn find(&self, presented: &PresentedKey) -> StoredKey<'_> {
        let PresentedKey(digest) = presented;
        if self.ended.contains(digest) {
            return StoredKey::Ended;
        }
        let key = self.by_prefix.get(&prefix(digest));
        key.filter(|key| key.digest.ct_eq(digest).into()).map_or(StoredKey::Unknown, StoredKey::Valid)
    }

    /// These keys with later changes, or with all keys if the version went back. Keys that stay keep their limits and uses.
    #[must_use]
    pub fn with_changes(
        &self,
        (version, changed): (i64, Vec<ApiKey>),
        limit: Limit,
        profile: Profile,
        now: Timestamp,
    ) -> Self {
        let ids: HashSet<ApiKeyId> = changed.iter().map(|key| key.id).collect();
        let mut keys = self.clone();
        keys.version = version;
        // By their ids: a changed row may have another digest.
        let is_back = version < self.version;
        keys.end(|key| is_back || key.stored.as_ref().is_some_and(|terms| ids.contains(&terms.id)));
        if is_back {
            keys.ended.clear();
        }
        for key in changed {
            if let Some(error) = key.forged.filter(|_| key.revocation.is_none()) {
                tracing::error!(id = %key.id, %error, "API key refused: its row was not written by this server; revoke it");
            }
            let is_accepted = key.forged.is_none()
                && key.revocation.is_none()
                && accepts_mode(profile, key.settings.mode)
                && !is_long_over(key.expires_at, now);
            if is_accepted {
                let slot = prefix(&key.digest);
                let before = self.by_prefix.get(&slot).filter(|before| before.digest == key.digest);
                keys.ended.remove(&key.digest);
                let usage = keys.ended_usages.remove(&key.id).unwrap_or_default();
                keys.by_prefix.insert(slot, Arc::new(accepted(key, before, usage, limit)));
            } else {
                keys.ended.insert(key.digest);
            }
        }
        keys
    }
}

fn is_long_over(expires_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(expires_at) > EXPIRED_KEPT
}

fn accepted(key: ApiKey, before: Option<&Arc<Key>>, usage: Arc<Usage>, default: Limit) -> Key {
    let ApiKeySettings { mode, role, scopes, accounts, ips, per_minute, burst, concurrency, .. } =
        key.settings;
    let own = per_minute.map(|per_minute| limit(per_minute, burst));
    Key {
        digest: key.digest,
        label: key.id.into(),
        role,
        scopes,
        accounts: Arc::new(accounts),
        limiter: before.map_or_else(
            || Arc::new(KeyLimiter::new(own.unwrap_or(default))),
            |before| Arc::clone(&before.limiter),
        ),
        networks_seen: before.map(|before| Arc::clone(&before.networks_seen)).unwrap_or_default(),
        stored: Some(StoredTerms {
            id: key.id,
            mode,
            expires_at: key.expires_at,
            ips,
            limit: own,
            concurrency: concurrency.map(NonZeroU32::get),
            usage,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_belongs_to_profiles() {
        let accepted = |profile| KeyMode::ALL.map(|mode| accepts_mode(profile, mode));
        assert_eq!(accepted(Profile::Production), [true, true, false]);
        assert_eq!(accepted(Profile::Staging), [false, true, true]);
        assert_eq!(accepted(Profile::Development), [false, true, true]);
        assert!(Profile::ALL.into_iter().all(|profile| accepts_mode(profile, default_mode(profile))));
    }
}
