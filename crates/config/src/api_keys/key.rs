//! One API key, without its text.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{AccountScope, KeyMode, Role, Scopes};
use ipnet::IpNet;
use jiff::Timestamp;
use rate_limit::{KeyLimiter, Limit};
use sha2::{Digest, Sha256};
use store::{ApiKeyId, ApiKeySettings, ApiKeyUse};

use super::networks_seen::NetworksSeen;
use crate::settings::limit;

pub(super) type Sha256Digest = [u8; 32];

/// One key, without its text.
pub struct Key {
    pub(super) digest: Sha256Digest,
    pub(super) label: Label,
    /// The role of the key.
    pub role: Role,
    /// What the key may do.
    pub scopes: Scopes,
    /// The accounts that the key may read.
    pub accounts: Arc<AccountScope>,
    /// The rate limit of the key.
    pub limiter: Arc<KeyLimiter>,
    /// The networks that use the key.
    pub networks_seen: Arc<NetworksSeen>,
    /// What only a key of the database has; `None` for a key of the secret `api_keys`.
    pub stored: Option<StoredTerms>,
}

/// The terms of a key of the database.
#[derive(Clone, Debug)]
pub struct StoredTerms {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for.
    pub mode: KeyMode,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The networks that it may be used from; empty for all.
    pub ips: Vec<IpNet>,
    /// Its own rate limit.
    pub limit: Option<Limit>,
    /// How many of its requests may be in progress.
    pub concurrency: Option<u32>,
    /// Uses that are not written yet.
    pub usage: Arc<Usage>,
}

/// Why a valid key must not be used now, from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseError {
    /// Its time is over.
    Expired,
    /// Its networks do not have this address.
    Address,
}

/// Why a key must not create another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Another mode.
    #[error("your API key is for {0}, and cannot grant another mode")]
    Mode(KeyMode),
    /// A network that is not in its own.
    #[error("your API key must not be used from all of these networks, and cannot grant them")]
    Networks,
    /// A later end.
    #[error("your API key ends at {0}, and cannot grant a later end")]
    End(Timestamp),
    /// A higher limit, or none.
    #[error("your API key has a lower {0}, and cannot grant this one")]
    Limit(&'static str),
}

impl StoredTerms {
    /// Checks that a key which this one creates or rotates has no more than this one.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn check_grant(&self, settings: &ApiKeySettings, expires_at: Timestamp) -> Result<(), GrantError> {
        let is_own = |network: &IpNet| self.ips.iter().any(|own| own.contains(network));
        if settings.mode != self.mode {
            return Err(GrantError::Mode(self.mode));
        }
        if !self.ips.is_empty() && (settings.ips.is_empty() || !settings.ips.iter().all(is_own)) {
            return Err(GrantError::Networks);
        }
        if expires_at > self.expires_at {
            return Err(GrantError::End(self.expires_at));
        }
        let granted = settings.per_minute.map(|per_minute| limit(per_minute, settings.burst));
        let exceeds = |of: fn(&Limit) -> NonZeroU32| {
            self.limit.is_some_and(|own| granted.is_none_or(|granted| of(&granted) > of(&own)))
        };
        if exceeds(|limit| limit.per_minute) {
            return Err(GrantError::Limit("per_minute"));
        }
        if exceeds(|limit| limit.burst) {
            return Err(GrantError::Limit("burst"));
        }
        let granted = settings.concurrency.map(NonZeroU32::get);
        if self.concurrency.is_some_and(|own| granted.is_none_or(|granted| granted > own)) {
            return Err(GrantError::Limit("concurrency"));
        }
        Ok(())
    }

    /// Networks and limits that a new key has if its creator names none: those of this key.
    pub fn inherit(&self, settings: &mut ApiKeySettings) {
        if settings.ips.is_empty() {
            settings.ips.clone_from(&self.ips);
        }
        if let (None, Some(own)) = (settings.per_minute, self.limit) {
            (settings.per_minute, settings.burst) =
                (Some(own.per_minute), settings.burst.or(Some(own.burst)));
        }
        settings.concurrency = settings.concurrency.or(self.concurrency.and_then(NonZeroU32::new));
    }

    /// Whether the key may be used at this time, from this address.
    ///
    /// # Errors
    /// [`UseError`].
    pub fn check(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), UseError> {
        if self.expires_at <= now {
            return Err(UseError::Expired);
        }
        let is_listed = |client: IpAddr| {
            let client = client.to_canonical();
            self.ips.iter().any(|network| network.contains(&client))
        };
        if self.ips.is_empty() || client.is_some_and(is_listed) { Ok(()) } else { Err(UseError::Address) }
    }
}

/// Uses of a key that are not written yet.
#[derive(Debug, Default)]
pub struct Usage(Mutex<Option<(u64, ApiKeyUse)>>);

impl Usage {
    /// Notes one use.
    pub fn note(&self, last: ApiKeyUse) {
        let mut noted = self.noted();
        *noted = match *noted {
            None => Some((1, last)),
            Some((before, other)) => Some((before + 1, if other.at > last.at { other } else { last })),
        };
    }

    /// The uses that are not written.
    pub fn unwritten(&self) -> Option<(u64, ApiKeyUse)> {
        *self.noted()
    }

    /// Forgets so many uses, because they were written.
    pub fn subtract(&self, written: u64) {
        let mut noted = self.noted();
        *noted = noted
            .map(|(number, last)| (number.saturating_sub(written), last))
            .filter(|(number, _)| *number > 0);
    }

    fn noted(&self) -> MutexGuard<'_, Option<(u64, ApiKeyUse)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    /// The name of the key in logs.
    #[must_use]
    pub fn label(&self) -> Label {
        self.label
    }

    /// The limit that the database gives to the key alone.
    #[must_use]
    pub fn own_limit(&self) -> Option<Limit> {
        self.stored.as_ref()?.limit
    }

    /// A number that stands for the key where replicas share its limit: the start of its digest.
    #[must_use]
    pub fn shared_id(&self) -> u64 {
        prefix(&self.digest)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("label", &self.label())
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The name of a key in logs: the id of a key of the database, and of others the start of the digest, which does not reveal a
/// strong key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label([u8; 8]);

impl Label {
    /// The label of the key with this text in the secret `api_keys`.
    #[must_use]
    pub fn from_key(text: &str) -> Self {
        Self::from_digest(digest(text.as_bytes()))
    }

    pub(super) fn from_digest([first, second, third, fourth, ..]: Sha256Digest) -> Self {
        let hex = |byte: u8| {
            [b"0123456789abcdef"[usize::from(byte >> 4)], b"0123456789abcdef"[usize::from(byte & 15)]]
        };
        let ([a, b], [c, d], [e, f], [g, h]) = (hex(first), hex(second), hex(third), hex(fourth));
        Self([a, b, c, d, e, f, g, h])
    }

    /// The characters of the label, all of them ASCII letters and digits.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl From<ApiKeyId> for Label {
    fn from(id: ApiKeyId) -> Self {
        Self(id.bytes())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

pub(super) fn digest(text: &[u8]) -> Sha256Digest {
    Sha256::digest(text).into()
}

/// The first eight bytes of a digest.
pub(super) fn prefix(digest: &Sha256Digest) -> u64 {
    let (prefix, _) = digest.split_first_chunk().expect("a digest has more than 8 bytes");
    u64::from_be_bytes(*prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_used_before_it_expires_and_from_its_networks_alone() {
        let expires_at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let terms = |ips: &[&str]| StoredTerms {
            id: "aB3dE6gH".parse().unwrap(),
            mode: KeyMode::Test,
            expires_at,
            ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            limit: None,
            concurrency: None,
            usage: Arc::default(),
        };
        let (before, listed) =
            (expires_at - jiff::SignedDuration::from_micros(1), &["10.0.0.0/8", "2001:db8::/32"]);
        for (ips, client, now, expected) in [
            (&[][..], None, before, Ok(())),
            (&[], Some("192.0.2.1"), expires_at, Err(UseError::Expired)),
            (listed, Some("10.1.2.3"), before, Ok(())),
            (listed, Some("::ffff:10.1.2.3"), before, Ok(())),
            (listed, Some("2001:db8::9"), before, Ok(())),
            (listed, Some("192.0.2.1"), before, Err(UseError::Address)),
            (listed, None, before, Err(UseError::Address)),
        ] {
            let client = client.map(|client| client.parse().unwrap());
            assert_eq!(terms(ips).check(client, now), expected, "{ips:?} {client:?}");
        }
    }

    #[test]
    fn a_key_grants_only_what_it_has() {
        let end: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let number = |number| NonZeroU32::new(number);
        let own = StoredTerms {
            id: "aB3dE6gH".parse().unwrap(),
            mode: KeyMode::Test,
            expires_at: end,
            ips: vec!["10.0.0.0/8".parse().unwrap()],
            limit: Some(limit(NonZeroU32::MIN.saturating_add(59), number(20))),
            concurrency: Some(5),
            usage: Arc::default(),
        };
        let mut same = ApiKeySettings {
            mode: KeyMode::Test,
            name: "child".to_owned(),
            role: Role::Viewer,
            scopes: Scopes::READ,
            accounts: AccountScope::NONE,
            ips: Vec::new(),
            per_minute: None,
            burst: None,
            concurrency: None,
            metadata: serde_json::Map::new(),
        };
        let unlimited = StoredTerms { ips: Vec::new(), limit: None, concurrency: None, ..own.clone() };
        assert_eq!(unlimited.check_grant(&same, end), Ok(()));
        own.inherit(&mut same);
        assert_eq!(own.check_grant(&same, end), Ok(()));
        let later = end + jiff::SignedDuration::from_micros(1);
        assert_eq!(own.check_grant(&same, later), Err(GrantError::End(end)));
        for (change, expected) in [
            ((|s| s.mode = KeyMode::Paper) as fn(&mut ApiKeySettings), GrantError::Mode(KeyMode::Test)),
            (|s| s.ips.clear(), GrantError::Networks),
            (|s| s.ips.push("192.0.2.1/32".parse().unwrap()), GrantError::Networks),
            (|s| s.ips = vec!["10.0.0.0/7".parse().unwrap()], GrantError::Networks),
            (|s| (s.per_minute, s.burst) = (None, None), GrantError::Limit("per_minute")),
            (|s| s.per_minute = NonZeroU32::new(61), GrantError::Limit("per_minute")),
            (|s| s.burst = NonZeroU32::new(21), GrantError::Limit("burst")),
            (|s| s.concurrency = None, GrantError::Limit("concurrency")),
            (|s| s.concurrency = NonZeroU32::new(6), GrantError::Limit("concurrency")),
        ] {
            let mut granted = same.clone();
            change(&mut granted);
            assert_eq!(own.check_grant(&granted, end), Err(expected));
        }
        let mut fewer = same.clone();
        (fewer.ips, fewer.concurrency) = (vec!["10.1.0.0/16".parse().unwrap()], number(1));
        assert_eq!(own.check_grant(&fewer, end), Ok(()));
    }

    #[test]
    fn uses_are_summed_until_they_are_written() {
        let used =
            |second: i64| ApiKeyUse { at: Timestamp::new(second, 0).unwrap(), ip: [192, 0, 2, 1].into() };
        let usage = Usage::default();
        usage.note(used(1));
        usage.note(used(3));
        assert_eq!(usage.unwritten(), Some((2, used(3))));
        usage.note(used(9));
        usage.subtract(2);
        assert_eq!(usage.unwritten(), Some((1, used(9))));
        usage.subtract(1);
        assert_eq!(usage.unwritten(), None);
    }
}
