//! Appending entries to a chain.

use serde::{Deserialize, Serialize};

use crate::encoding::entry_message;
use crate::entry::Entry;
use crate::hash::Hash;
use crate::head::Head;
use crate::key::Key;
use crate::key_id::KeyId;

/// An entry of a chain. Read from storage it is not authentic until a [`Verifier`](crate::Verifier) has checked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// Number of the entry: 1 for the first, without gaps.
    pub sequence: u64,
    /// Who did what.
    #[serde(flatten)]
    pub entry: Entry,
    /// Hash of the entry before it.
    pub previous: Hash,
    /// Key that authenticates it.
    pub key: KeyId,
    /// HMAC of the other fields.
    pub hash: Hash,
}

/// Appends an entry to a chain: returns the sealed entry and the new head. Store both in the transaction that does what the
/// entry says.
#[must_use]
pub fn append(key: &Key, head: &Head, entry: Entry) -> (SealedEntry, Head) {
    let (id, previous) = (key.id(), head.hash());
    let sequence = head.sequence() + 1;
    let hash = key.sign(&entry_message(id, sequence, &previous, &entry));
    (SealedEntry { sequence, entry, previous, key: id, hash }, Head::seal(key, sequence, hash))
}

impl SealedEntry {
    /// The hash that the entry should have; `None` when `key` has no key of its id.
    pub(crate) fn expected_hash(&self, key: &Key) -> Option<Hash> {
        key.sign_as(self.key, &self.message(self.key))
    }

    /// Whether the entry is authentic but for the id of its key.
    pub(crate) fn names_another_key(&self, key: &Key) -> bool {
        key.has_signed(self.hash, |id| self.message(id))
    }

    fn message(&self, key: KeyId) -> Vec<u8> {
        entry_message(key, self.sequence, &self.previous, &self.entry)
    }
}
