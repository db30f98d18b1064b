//! Checks a chain entry by entry, keeping none.

use serde::{Deserialize, Serialize};

use crate::chain::Sealed;
use crate::fault::Fault;
use crate::hash::Hash;
use crate::head::Head;
use crate::key::Key;

/// Reads a chain from its first entry to its last in the memory of one hash.
#[derive(Debug)]
pub struct Verifier<'a> {
    key: &'a Key,
    sequence: u64,
    hash: Hash,
    witness: Option<Head>,
}

/// A chain is what its keys say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last.
    pub hash: Hash,
}

impl<'a> Verifier<'a> {
    /// Begins before the first entry.
    #[must_use]
    pub fn new(key: &'a Key) -> Self {
        Self { key, sequence: 0, hash: Hash::ZERO, witness: None }
    }

    /// Begins after the entry that a checked head names, to check only what was added since.
    #[must_use]
    pub fn after(key: &'a Key, head: &Head) -> Self {
        Self { key, sequence: head.sequence(), hash: head.hash(), witness: None }
    }

    /// The chain must go through a head that was kept where the database's writers cannot reach it.
    #[must_use]
    pub fn witness(self, head: Head) -> Self {
        Self { witness: Some(head), ..self }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is wrong. What is fed after that says nothing.
    pub fn feed(&mut self, sealed: &Sealed) -> Result<(), Fault> {
        self.check_place(sealed)?;
        let sequence = sealed.sequence;
        let expected = sealed.expected(self.key).ok_or(Fault::UnknownKey { sequence, key: sealed.key })?;
        if expected != sealed.hash {
            return Err(Fault::Changed { sequence });
        }
        if sealed.previous != self.hash {
            return Err(Fault::Forked { sequence });
        }
        (self.sequence, self.hash) = (sequence, sealed.hash);
        self.check_witness()
    }

    fn check_place(&self, sealed: &Sealed) -> Result<(), Fault> {
        let (found, expected) = (sealed.sequence, self.sequence + 1);
        if found > expected {
            return Err(Fault::Missing { sequence: expected, found });
        }
        if found == expected {
            return Ok(());
        }
        if found == self.sequence && sealed.hash == self.hash {
            return Err(Fault::Repeated { sequence: found });
        }
        if found == self.sequence && sealed.expected(self.key) == Some(sealed.hash) {
            return Err(Fault::Forked { sequence: found });
        }
        Err(Fault::OutOfOrder { sequence: found, expected })
    }

    fn check_witness(&self) -> Result<(), Fault> {
        match self.witness {
            Some(head) if head.sequence() == self.sequence && head.hash() != self.hash => {
                Err(Fault::Rewritten { sequence: self.sequence })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Ends at the head.
    ///
    /// # Errors
    /// [`Fault`] when the chain ends elsewhere than its head says, or before the witness.
    pub fn finish(self, head: &Head) -> Result<Verified, Fault> {
        self.check_end(head)?;
        if let Some(witness) = self.witness {
            self.check_reached(&witness)?;
        }
        Ok(Verified { entries: self.sequence, hash: self.hash })
    }

    fn check_end(&self, head: &Head) -> Result<(), Fault> {
        self.check_reached(head)?;
        if head.sequence() < self.sequence {
            return Err(Fault::BeyondHead { sequence: head.sequence() + 1 });
        }
        if head.hash() != self.hash {
            return Err(Fault::Forked { sequence: self.sequence });
        }
        Ok(())
    }

    fn check_reached(&self, head: &Head) -> Result<(), Fault> {
        if head.sequence() > self.sequence {
            return Err(Fault::Truncated { sequence: self.sequence + 1, head: head.sequence() });
        }
        Ok(())
    }
}
