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

    /// Whether it has every key of `other`.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.all().all(|other| self.all().any(|key| key.id == other.id))
    }

    /// The same keys, with the one of this id for new entries; `None` if there is none.
    #[must_use]
    pub fn with_current(mut self, id: KeyId) -> Option<Self> {
        if self.current.id != id {
            let at = self.older.iter().position(|key| key.id == id)?;
            std::mem::swap(&mut self.current, &mut self.older[at]);
        }
        Some(self)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Hash {
        self.current.sign(message)
    }

    /// Signs with the current or older key `id`, if there is one.
    pub(crate) fn sign_as(&self, id: KeyId, message: &[u8]) -> Option<Hash> {
        self.all().find(|key| key.id == id).map(|key| key.sign(message))
    }

    /// Whether one of the keys has signed this hash. `message` is the message that names a key.
    pub(crate) fn has_signed(&self, hash: Hash, message: impl Fn(KeyId) -> Vec<u8>) -> bool {
        self.all().any(|key| key.sign(&message(key.id)) == hash)
    }

    fn all(&self) -> impl Iterator<Item = &MacKey> {
        std::iter::once(&self.current).chain(&self.older)
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
    fn any_key_of_several_can_be_the_current_one() {
        let (old, new) = (Key::new(&[1; 32]).unwrap(), Key::new(&[2; 32]).unwrap());
        let both = new.clone().and_older(&[1; 32]).unwrap();
        assert!(both.contains(&old) && both.contains(&new) && !new.contains(&both));
        let as_before = both.clone().with_current(old.id()).unwrap();
        assert_eq!((as_before.id(), as_before.contains(&both)), (old.id(), true));
        assert_eq!(both.clone().with_current(new.id()).unwrap().id(), new.id());
        assert!(new.with_current(old.id()).is_none());
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::new(&[b'k'; 32]).unwrap();
        let debug = format!("{key:?}");
        assert!(!debug.contains("kkk") && !debug.contains("107") && !debug.contains("6b6b"), "{debug}");
        assert_ne!(key.id(), Key::new(&[b'j'; 32]).unwrap().id());
    }
}
