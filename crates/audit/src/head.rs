//! Which entry is the last, authenticated.

use serde::{Deserialize, Serialize};

use crate::chain::Sealed;
use crate::encoding;
use crate::fault::Fault;
use crate::hash::Hash;
use crate::key::{Key, KeyId};

/// The end of a chain, known to be true: made by continuing one, or from a [`WrittenHead`] whose seal was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head(WrittenHead);

/// A head as storage has it: what it says may be false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenHead {
    /// The number of the last entry; 0 before the first.
    pub sequence: u64,
    /// The hash of the last entry; [`Hash::ZERO`] before the first.
    pub hash: Hash,
    /// Which key sealed it.
    pub key: KeyId,
    /// What that key made of the fields before.
    pub seal: Hash,
}

impl Head {
    /// The head of a chain without entries.
    #[must_use]
    pub fn start(key: &Key) -> Self {
        Self::seal(key, 0, Hash::ZERO)
    }

    /// The head when this entry is the last. Not public: an entry is the last because it was chained here.
    pub(crate) fn of(key: &Key, last: &Sealed) -> Self {
        Self::seal(key, last.sequence, last.hash)
    }

    fn seal(key: &Key, sequence: u64, hash: Hash) -> Self {
        let seal = key.sign(&encoding::of_head(key.id(), sequence, &hash));
        Self(WrittenHead { sequence, hash, key: key.id(), seal })
    }

    /// The number of the last entry; 0 before the first.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// The hash of the last entry; [`Hash::ZERO`] before the first.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.0.hash
    }

    /// As it is to be kept.
    #[must_use]
    pub const fn written(&self) -> WrittenHead {
        self.0
    }
}

impl WrittenHead {
    /// Checks the seal.
    ///
    /// # Errors
    /// [`Fault::UnknownKey`] when it names a key that is not given, [`Fault::HeadChanged`] when its seal is not what that key
    /// makes.
    pub fn open(&self, key: &Key) -> Result<Head, Fault> {
        let Self { sequence, hash, key: id, seal } = *self;
        let expected = key
            .sign_as(id, &encoding::of_head(id, sequence, &hash))
            .ok_or(Fault::UnknownKey { sequence, key: id })?;
        if expected == seal { Ok(Head(*self)) } else { Err(Fault::HeadChanged { sequence }) }
    }
}
