//! The authenticated end of a chain.

use serde::{Deserialize, Serialize};

use crate::encoding::head_message;
use crate::error::ChainError;
use crate::hash::Hash;
use crate::key::Key;
use crate::key_id::KeyId;

/// The authentic end of a chain: made by appending to one, or from a [`StoredHead`] whose seal was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head(StoredHead);

/// A head as it is stored, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredHead {
    /// Number of the last entry; 0 before the first.
    pub sequence: u64,
    /// Hash of the last entry; [`Hash::ZERO`] before the first.
    pub hash: Hash,
    /// Key that sealed the head.
    pub key: KeyId,
    /// HMAC of the other fields.
    pub seal: Hash,
}

impl Head {
    /// The head of a chain without entries.
    #[must_use]
    pub fn start(key: &Key) -> Self {
        Self::seal(key, 0, Hash::ZERO)
    }

    /// Private to the crate: only appending an entry makes it the last one.
    pub(crate) fn seal(key: &Key, sequence: u64, hash: Hash) -> Self {
        let seal = key.sign(&head_message(key.id(), sequence, &hash));
        Self(StoredHead { sequence, hash, key: key.id(), seal })
    }

    /// Number of the last entry; 0 before the first.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// Hash of the last entry; [`Hash::ZERO`] before the first.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.0.hash
    }

    /// The fields to store.
    #[must_use]
    pub const fn to_stored(&self) -> StoredHead {
        self.0
    }
}

impl StoredHead {
    /// Checks the seal.
    ///
    /// # Errors
    /// [`ChainError::UnknownKey`] when `key` has no key of that id, [`ChainError::HeadChanged`] when the seal is wrong.
    pub fn verify(&self, key: &Key) -> Result<Head, ChainError> {
        let Self { sequence, hash, key: id, seal } = *self;
        match key.sign_as(id, &head_message(id, sequence, &hash)) {
            Some(expected) if expected == seal => Ok(Head(*self)),
            None if !key.has_signed(seal, |id| head_message(id, sequence, &hash)) => {
                Err(ChainError::UnknownKey { sequence, key: id })
            }
            Some(_) | None => Err(ChainError::HeadChanged { sequence }),
        }
    }
}
