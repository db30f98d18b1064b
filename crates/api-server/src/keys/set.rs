//! The keys in force at one moment, read from `key[:role],…`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Role;
use super::format::{Form, form};
use super::strength::{BITS_MIN, bits, is_placeholder};
use crate::layers::rate_limit::{self, KeyLimiter};

/// Most keys in a set.
const KEYS_MAX: usize = 1000;
/// Most bytes of a key.
const KEY_BYTES_MAX: usize = 128;

type Sha256Digest = [u8; 32];

/// One key, without its text.
pub struct Key {
    digest: Sha256Digest,
    role: Role,
    limiter: KeyLimiter,
}

/// What a key is called in logs: the start of its digest, from which nothing of a strong key can be learnt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label([u8; 4]);

impl Key {
    fn new(digest: Sha256Digest, role: Role, limit: rate_limit::Config) -> Self {
        Self { digest, role, limiter: KeyLimiter::new(limit) }
    }

    /// What it allows.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it is called in logs.
    #[must_use]
    pub fn label(&self) -> Label {
        let [first, second, third, fourth, ..] = self.digest;
        Label([first, second, third, fourth])
    }

    /// How often it may be used.
    #[must_use]
    pub fn limiter(&self) -> &KeyLimiter {
        &self.limiter
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("label", &self.label())
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Label {
    /// What its text spells, two digits a byte.
    pub(crate) fn bytes(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What is wrong with one entry; `position` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two commas in a row, or one at an end.
    #[error("key {position} is empty")]
    Empty {
        /// Which entry.
        position: usize,
    },
    /// The text behind the colon is no role.
    #[error("key {position} has an unknown role: viewer, trader and admin exist")]
    UnknownRole {
        /// Which entry.
        position: usize,
    },
    /// White space, control characters or anything beyond ASCII.
    #[error("key {position} has characters that cannot stand in a header")]
    Unprintable {
        /// Which entry.
        position: usize,
    },
    /// Longer than any key needs to be.
    #[error("key {position} is longer than 128 bytes")]
    TooLong {
        /// Which entry.
        position: usize,
    },
    /// A value that was never filled in.
    #[error("key {position} is a placeholder")]
    Placeholder {
        /// Which entry.
        position: usize,
    },
    /// Too easy to guess.
    #[error("key {position} is weak: at least 112 bits are needed, such as 43 random letters and digits")]
    Weak {
        /// Which entry.
        position: usize,
    },
    /// A key of our format whose checksum does not match.
    #[error("key {position} is mistyped: its checksum does not match")]
    Mistyped {
        /// Which entry.
        position: usize,
    },
    /// The same key again.
    #[error("key {position} is the same as key {first}")]
    Duplicate {
        /// Which entry.
        position: usize,
        /// The entry that has it already.
        first: usize,
    },
    /// More keys than are sensible.
    #[error("there are more than 1000 keys")]
    TooMany,
}

/// Everything that is wrong with a list of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(formatter, "API_KEYS: {}", texts.join("; "))
    }
}

impl std::error::Error for Faults {}

/// The keys in force at one moment.
#[derive(Debug, Default)]
pub struct KeySet {
    // By the first eight bytes of the digest, which are as good as random.
    by_prefix: HashMap<u64, Arc<Key>>,
}

impl KeySet {
    /// Reads `key[:role]`, separated by commas or on lines of their own; no suffix means viewer. A text of nothing but
    /// white space has no keys.
    ///
    /// # Errors
    /// Every fault of every entry.
    pub fn parse(text: &str, limit: rate_limit::Config) -> Result<Self, Faults> {
        let mut set = Self::default();
        let mut faults = Vec::new();
        let mut positions = HashMap::new();
        let text = text.trim();
        let entries = text.split([',', '\n']).map(str::trim).filter(|_| !text.is_empty());
        for (entry, position) in entries.zip(1..) {
            match parse_entry(entry, position) {
                Err(fault) => faults.push(fault),
                Ok((digest, role)) => match positions.insert(digest, position) {
                    Some(first) => faults.push(Fault::Duplicate { position, first }),
                    None => {
                        set.by_prefix.insert(prefix(&digest), Arc::new(Key::new(digest, role, limit)));
                    }
                },
            }
        }
        if positions.len() > KEYS_MAX {
            faults.push(Fault::TooMany);
        }
        if faults.is_empty() { Ok(set) } else { Err(Faults(faults)) }
    }

    /// The key of this text.
    #[must_use]
    pub fn find(&self, presented: &[u8]) -> Option<Arc<Key>> {
        let is_plausible = (1..=KEY_BYTES_MAX).contains(&presented.len()) && form(presented) != Form::Damaged;
        let digest = is_plausible.then(|| digest(presented))?;
        let key = self.by_prefix.get(&prefix(&digest))?;
        bool::from(key.digest.ct_eq(&digest)).then(|| Arc::clone(key))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_prefix.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }

    /// Adds the keys of another set; where both have one, this set's role counts.
    pub(super) fn join(&mut self, other: Self) {
        for (prefix, key) in other.by_prefix {
            self.by_prefix.entry(prefix).or_insert(key);
        }
    }

    /// Removes the keys that another set has, too.
    pub(super) fn leave_out(&mut self, other: &Self) {
        self.by_prefix.retain(|prefix, _| !other.by_prefix.contains_key(prefix));
    }

    /// Takes over the keys of an older set that are the same in this one, with how often they were used.
    pub(super) fn keep_from(&mut self, older: &Self) {
        for (prefix, key) in &mut self.by_prefix {
            let same =
                older.by_prefix.get(prefix).filter(|old| old.digest == key.digest && old.role == key.role);
            if let Some(old) = same {
                *key = Arc::clone(old);
            }
        }
    }
}

fn parse_entry(entry: &str, position: usize) -> Result<(Sha256Digest, Role), Fault> {
    let (key, role) = match entry.rsplit_once(':') {
        None => (entry, Role::Viewer),
        Some((key, role)) => (key, Role::parse(role).ok_or(Fault::UnknownRole { position })?),
    };
    if key.is_empty() {
        return Err(Fault::Empty { position });
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(Fault::TooLong { position });
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::Unprintable { position });
    }
    match form(key.as_bytes()) {
        Form::Ours => Ok((digest(key.as_bytes()), role)),
        Form::Damaged => Err(Fault::Mistyped { position }),
        Form::Foreign if is_placeholder(key) => Err(Fault::Placeholder { position }),
        Form::Foreign if bits(key) < BITS_MIN => Err(Fault::Weak { position }),
        Form::Foreign => Ok((digest(key.as_bytes()), role)),
    }
}

fn digest(text: &[u8]) -> Sha256Digest {
    Sha256::digest(text).into()
}

fn prefix(digest: &Sha256Digest) -> u64 {
    let (prefix, _) = digest.split_first_chunk().expect("a digest has more than 8 bytes");
    u64::from_be_bytes(*prefix)
}

#[cfg(test)]
mod tests;
