//! The keys that authenticate entries.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use crate::encoding;
use crate::hash::{Hash, read_hex, write_hex};

/// Fewest bytes of a key: the output of its hash function (RFC 2104 §3).
pub const KEY_BYTES_MIN: usize = 32;

/// Names a key in what it authenticated, and tells nothing of it. 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

/// The key that entries are written with, and older ones that entries were written with before.
#[derive(Clone)]
pub struct Key {
    current: One,
    older: Vec<One>,
}

#[derive(Clone)]
struct One {
    id: KeyId,
    // Keyed once: an entry costs its own blocks, not the key's too.
    mac: Hmac<Sha256>,
}

/// The bytes are no key, or the text no key's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Too short to be worth anything.
    #[error("an audit key has at least {KEY_BYTES_MIN} bytes")]
    Short,
    /// No name of a key.
    #[error("a key's name is 16 lower-case hexadecimal digits")]
    Id,
}

impl Key {
    /// A key of these bytes.
    ///
    /// # Errors
    /// [`KeyError::Short`] below [`KEY_BYTES_MIN`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { current: One::new(bytes)?, older: Vec::new() })
    }

    /// The same, and entries written with an older key are checked too.
    ///
    /// # Errors
    /// [`KeyError::Short`] below [`KEY_BYTES_MIN`].
    pub fn and_older(mut self, bytes: &[u8]) -> Result<Self, KeyError> {
        self.older.push(One::new(bytes)?);
        Ok(self)
    }

    /// The name of the key that entries are written with.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.current.id
    }

    /// What the current key makes of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Hash {
        self.current.mac(message)
    }

    /// What the key of this name makes of a message, when it is among these.
    pub(crate) fn sign_as(&self, id: KeyId, message: &[u8]) -> Option<Hash> {
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        keys.find(|key| key.id == id).map(|key| key.mac(message))
    }
}

impl One {
    fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() < KEY_BYTES_MIN {
            return Err(KeyError::Short);
        }
        let mac = Hmac::new_from_slice(bytes).map_err(|_| KeyError::Short)?;
        let mut named = Self { id: KeyId([0; 8]), mac };
        let name = named.mac(&encoding::of_key());
        named.id.0.copy_from_slice(&name.as_bytes()[..8]);
        Ok(named)
    }

    fn mac(&self, message: &[u8]) -> Hash {
        Hash::from_bytes(self.mac.clone().chain_update(message).finalize().into_bytes().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({} and {} older)", self.current.id, self.older.len())
    }
}

impl KeyId {
    /// Its bytes, as they are hashed.
    pub(crate) const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        read_hex(text).map(Self).ok_or(KeyError::Id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, out)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(Key::new(&[1; 31]).unwrap_err(), KeyError::Short);
        assert_eq!(Key::new(&[1; 32]).unwrap().and_older(&[]).unwrap_err(), KeyError::Short);
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::new(&[b'k'; 32]).unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains("kkk") && !shown.contains("107") && !shown.contains("6b6b"), "{shown}");
        assert_ne!(key.id(), Key::new(&[b'j'; 32]).unwrap().id());
    }
}
