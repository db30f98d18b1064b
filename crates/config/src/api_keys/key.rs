//! One API key, without its text.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{AccountScope, Role, Scopes};
use ipnet::IpNet;
use jiff::Timestamp;
use rate_limit::{KeyLimiter, Limit};
use sha2::{Digest, Sha256};
use store::{ApiKeyId, ApiKeyUse};

use super::networks_seen::NetworksSeen;

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

impl StoredTerms {
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
        self.add(1, last);
    }

    /// Adds uses, such as those that could not be written.
    pub fn add(&self, number: u64, last: ApiKeyUse) {
        let mut noted = self.noted();
        *noted = match *noted {
            None => Some((number, last)),
            Some((before, other)) => Some((before + number, if other.at > last.at { other } else { last })),
        };
    }

    /// The uses since the last call.
    pub fn take(&self) -> Option<(u64, ApiKeyUse)> {
        self.noted().take()
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
    fn uses_are_summed_until_they_are_taken() {
        let used =
            |second: i64| ApiKeyUse { at: Timestamp::new(second, 0).unwrap(), ip: [192, 0, 2, 1].into() };
        let usage = Usage::default();
        usage.note(used(1));
        usage.note(used(3));
        let taken = usage.take().unwrap();
        assert_eq!((taken, usage.take()), ((2, used(3)), None));
        usage.note(used(9));
        usage.add(taken.0, taken.1);
        assert_eq!(usage.take(), Some((3, used(9))));
    }
}
