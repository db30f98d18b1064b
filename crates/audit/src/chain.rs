//! One entry after another.

use serde::{Deserialize, Serialize};

use crate::encoding;
use crate::entry::Entry;
use crate::hash::Hash;
use crate::head::Head;
use crate::key::{Key, KeyId};

/// An entry at its place in the chain. As storage has it what it says may be false; a [`Verifier`](crate::Verifier) tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its number: 1 for the first, then without gaps.
    pub sequence: u64,
    /// What was done.
    #[serde(flatten)]
    pub entry: Entry,
    /// The hash of the entry before it.
    pub previous: Hash,
    /// Which key authenticated it.
    pub key: KeyId,
    /// What that key made of all the fields before.
    pub hash: Hash,
}

/// Continues a chain by one entry: the entry at its place, and the new head. Both belong into the transaction that does
/// what the entry says.
#[must_use]
pub fn chain(key: &Key, head: &Head, entry: Entry) -> (Sealed, Head) {
    let (id, previous) = (key.id(), head.hash());
    let sequence = head.sequence() + 1;
    let hash = key.sign(&encoding::of_entry(id, sequence, &previous, &entry));
    let sealed = Sealed { sequence, entry, previous, key: id, hash };
    let head = Head::of(key, &sealed);
    (sealed, head)
}

impl Sealed {
    /// What its key makes of it; `None` when that key is not given.
    pub(crate) fn expected(&self, key: &Key) -> Option<Hash> {
        key.sign_as(self.key, &encoding::of_entry(self.key, self.sequence, &self.previous, &self.entry))
    }
}
