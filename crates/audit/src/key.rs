//! The keys that authenticate entries.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::encoding;
use crate::hash::Hash;
use crate::key_id::KeyId;

/// Fewest bytes of a key: the output of its hash function (RFC 2104 §3).
const KEY_BYTES_MIN: usize = 32;

/// The key that new entries are authenticated with, and older keys that earlier entries were authenticated with.
#[derive(Clone)]
pub struct Key {
    current: MacKey,
    older: Vec<MacKey>,
}

#[derive(Clone)]
struct MacKey {
    id: KeyId,
    // Initialised once, so that an entry costs its own blocks and not those of the key.
    mac: Hmac<Sha256>,
}

/// The key is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit key must be at least {KEY_BYTES_MIN} bytes long")]
pub struct KeyError;

impl Key {
    /// Creates a key from its bytes.
    ///
    /// # Errors
    /// [`KeyError`] below 32 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { current: MacKey::new(bytes)?, older: Vec::new() })
    }

    /// Adds an older key, with which earlier entries are checked.
    ///
    /// # Errors
    /// [`KeyError`] below 32 bytes.
    pub fn and_older(mut self, bytes: &[u8]) -> Result<Self, KeyError> {
        self.older.push(MacKey::new(bytes)?);
        Ok(self)
    }

    /// Id of the key that new entries are authenticated with.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.current.id
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Hash {
        self.current.sign(message)
    }

    /// Signs with the current or older key `id`, if there is one.
    pub(crate) fn sign_as(&self, id: KeyId, message: &[u8]) -> Option<Hash> {
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        keys.find(|key| key.id == id).map(|key| key.sign(message))
    }
}

impl MacKey {
    fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() < KEY_BYTES_MIN {
            return Err(KeyError);
        }
        let mac = Hmac::new_from_slice(bytes).map_err(|_| KeyError)?;
        let mut key = Self { id: KeyId([0; 8]), mac };
        let hash = key.sign(&encoding::key_message());
        key.id.0.copy_from_slice(&hash.as_bytes()[..8]);
        Ok(key)
    }

    fn sign(&self, message: &[u8]) -> Hash {
        Hash::from_bytes(self.mac.clone().chain_update(message).finalize().into_bytes().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({} and {} older)", self.current.id, self.older.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(Key::new(&[1; 31]).unwrap_err(), KeyError);
        assert_eq!(Key::new(&[1; 32]).unwrap().and_older(&[]).unwrap_err(), KeyError);
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::new(&[b'k'; 32]).unwrap();
        let debug = format!("{key:?}");
        assert!(!debug.contains("kkk") && !debug.contains("107") && !debug.contains("6b6b"), "{debug}");
        assert_ne!(key.id(), Key::new(&[b'j'; 32]).unwrap().id());
    }
}
