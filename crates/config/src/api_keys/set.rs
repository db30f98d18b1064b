//! A set of API keys, parsed from `key[:role],…`, or `key:role[accounts]` for a key that reads only those accounts.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use domain::{AccountScope, Role};
use rate_limit::{KeyLimiter, Limit};
use subtle::ConstantTimeEq;

use super::format::{self, FormatCheck};
use super::key::{Key, Label, Sha256Digest, digest, prefix};
use super::strength::{BITS_MIN, bits, is_placeholder};

/// Most keys in a set.
const KEYS_MAX: usize = 1000;
/// Most bytes of a key.
const KEY_BYTES_MAX: usize = 128;

type ParsedEntry = (Sha256Digest, Role, AccountScope);

/// The digest of a presented key that may exist.
#[derive(Clone, Copy, Debug)]
pub struct PresentedKey(pub(super) Sha256Digest);

impl PresentedKey {
    /// `None` for a text that is no key: too long, or of our format with a wrong checksum.
    #[must_use]
    pub fn new(presented: &[u8]) -> Option<Self> {
        let is_plausible = (1..=KEY_BYTES_MAX).contains(&presented.len())
            && format::check(presented) != FormatCheck::Damaged;
        is_plausible.then(|| Self(digest(presented)))
    }
}

fn new_key((digest, role, accounts): ParsedEntry, limit: Limit) -> Key {
    Key {
        digest,
        label: Label::from_digest(digest),
        role,
        scopes: role.scopes(),
        accounts: Arc::new(accounts),
        limiter: Arc::new(KeyLimiter::new(limit)),
        networks_seen: Arc::default(),
        stored: None,
    }
}

/// An error in a list of keys. Positions in the list start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Two commas in a row, or one at an end.
    #[error("key {0} is empty")]
    Empty(usize),
    /// The text after the colon is not a role.
    #[error("key {0} has an unknown role: use viewer, trader or admin")]
    UnknownRole(usize),
    /// The text in the brackets is not a list of accounts.
    #[error(
        "key {0} has an invalid list of accounts: use key:role[alpaca:a1+bridge:c1], with accounts and customers separated by +"
    )]
    InvalidAccounts(usize),
    /// A role that changes the books of everybody.
    #[error("key {0} has the role admin and a list of accounts: leave out the list, or use another role")]
    AdminWithAccounts(usize),
    /// White space, control characters or characters beyond ASCII.
    #[error("key {0} has characters that are not allowed in a header")]
    Unprintable(usize),
    /// Too long.
    #[error("key {0} is longer than 128 bytes")]
    TooLong(usize),
    /// A value that was never filled in.
    #[error("key {0} is a placeholder")]
    Placeholder(usize),
    /// Too easy to guess.
    #[error("key {0} is weak: at least 112 bits are required, such as 43 random letters and digits")]
    Weak(usize),
    /// A key of our format whose checksum does not match.
    #[error("key {0} is mistyped: its checksum does not match")]
    Mistyped(usize),
    /// The same key again.
    #[error("key {position} is the same as key {first}")]
    Duplicate {
        /// The position of the second entry.
        position: usize,
        /// The position of the first entry.
        first: usize,
    },
    /// Too many keys.
    #[error("there are more than 1000 keys")]
    TooMany,
}

/// All errors in a list of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyErrors(pub Vec<KeyError>);

impl fmt::Display for KeyErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(formatter, "API_KEYS: {}", texts.join("; "))
    }
}

impl std::error::Error for KeyErrors {}

/// A set of API keys.
#[derive(Debug, Default)]
pub struct KeySet {
    // By the first eight bytes of the digest.
    by_prefix: HashMap<u64, Arc<Key>>,
}

impl KeySet {
    /// Parses `key[:role]` entries, separated by commas or line breaks; the default role is viewer. A text of white space
    /// has no keys. `key:role[accounts]` is a key that reads only these accounts, as [`AccountScope`] parses them.
    ///
    /// # Errors
    /// All errors in the list.
    pub fn parse(text: &str, limit: Limit) -> Result<Self, KeyErrors> {
        let mut set = Self::default();
        let mut errors = Vec::new();
        let mut positions = HashMap::new();
        let text = text.trim();
        let entries = text.split([',', '\n']).map(str::trim).filter(|_| !text.is_empty());
        for (entry, position) in entries.zip(1..) {
            match parse_entry(entry, position) {
                Err(error) => errors.push(error),
                Ok(parsed) => match positions.insert(parsed.0, position) {
                    Some(first) => errors.push(KeyError::Duplicate { position, first }),
                    None => {
                        set.by_prefix.insert(prefix(&parsed.0), Arc::new(new_key(parsed, limit)));
                    }
                },
            }
        }
        if positions.len() > KEYS_MAX {
            errors.push(KeyError::TooMany);
        }
        if errors.is_empty() { Ok(set) } else { Err(KeyErrors(errors)) }
    }

    /// Parses a list to check it; the rate limit of its keys is the lowest.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn check(text: &str) -> Result<Self, KeyErrors> {
        Self::parse(text, Limit { per_minute: NonZeroU32::MIN, burst: NonZeroU32::MIN })
    }

    /// The key with this text.
    #[must_use]
    pub fn find(&self, presented: &[u8]) -> Option<Arc<Key>> {
        self.find_digest(&PresentedKey::new(presented)?)
    }

    /// The key with the text of this digest.
    #[must_use]
    pub fn find_digest(&self, presented: &PresentedKey) -> Option<Arc<Key>> {
        let PresentedKey(digest) = presented;
        let key = self.by_prefix.get(&prefix(digest))?;
        bool::from(key.digest.ct_eq(digest)).then(|| Arc::clone(key))
    }

    /// The names of the keys.
    pub fn labels(&self) -> impl Iterator<Item = Label> {
        self.by_prefix.values().map(|key| key.label())
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_prefix.len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }

    /// Adds the keys of another set. If a key is in both, its role and accounts in this set count.
    pub fn extend(&mut self, other: Self) {
        for (prefix, key) in other.by_prefix {
            self.by_prefix.entry(prefix).or_insert(key);
        }
    }

    /// Removes the keys that another set also has.
    pub fn remove_all(&mut self, other: &Self) {
        self.by_prefix.retain(|prefix, _| !other.by_prefix.contains_key(prefix));
    }

    /// Keeps the rate limit state of keys that an older set also has.
    pub fn keep_limits(&mut self, older: &Self) {
        for (prefix, key) in &mut self.by_prefix {
            let same = older.by_prefix.get(prefix).filter(|old| {
                old.digest == key.digest && old.role == key.role && old.accounts == key.accounts
            });
            if let Some(old) = same {
                *key = Arc::clone(old);
            }
        }
    }
}

fn parse_entry(entry: &str, position: usize) -> Result<ParsedEntry, KeyError> {
    // Without a colon before it, a bracket is part of the key.
    let scoped = entry.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    let (entry, accounts) = match scoped.filter(|(entry, _)| entry.contains(':')) {
        Some((entry, accounts)) => {
            (entry, accounts.parse().map_err(|_| KeyError::InvalidAccounts(position))?)
        }
        None => (entry, AccountScope::All),
    };
    let (key, role) = match entry.rsplit_once(':') {
        None => (entry, Role::Viewer),
        Some((key, role)) => (key, role.parse().map_err(|_| KeyError::UnknownRole(position))?),
    };
    if key.is_empty() {
        return Err(KeyError::Empty(position));
    }
    if role == Role::Admin && accounts != AccountScope::All {
        return Err(KeyError::AdminWithAccounts(position));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(KeyError::TooLong(position));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyError::Unprintable(position));
    }
    match format::check(key.as_bytes()) {
        FormatCheck::Valid => Ok((digest(key.as_bytes()), role, accounts)),
        FormatCheck::Damaged => Err(KeyError::Mistyped(position)),
        FormatCheck::Other if is_placeholder(key) => Err(KeyError::Placeholder(position)),
        FormatCheck::Other if bits(key) < BITS_MIN => Err(KeyError::Weak(position)),
        FormatCheck::Other => Ok((digest(key.as_bytes()), role, accounts)),
    }
}

#[cfg(test)]
mod tests;
