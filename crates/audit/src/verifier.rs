//! Verifies a chain entry by entry.

use serde::{Deserialize, Serialize};

use crate::chain::SealedEntry;
use crate::error::ChainError;
use crate::hash::Hash;
use crate::head::Head;
use crate::key::Key;

/// Verifies a chain from its first entry to its last, in constant memory.
#[derive(Debug)]
pub struct Verifier<'a> {
    key: &'a Key,
    sequence: u64,
    hash: Hash,
    checkpoint: Option<Head>,
}

/// Summary of an authentic chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedChain {
    /// Number of entries.
    pub entries: u64,
    /// Hash of the last entry.
    pub hash: Hash,
}

impl<'a> Verifier<'a> {
    /// Starts before the first entry.
    #[must_use]
    pub fn new(key: &'a Key) -> Self {
        Self { key, sequence: 0, hash: Hash::ZERO, checkpoint: None }
    }

    /// Starts after the last entry of a verified head, to check only later entries.
    #[must_use]
    pub fn after(key: &'a Key, head: &Head) -> Self {
        Self { key, sequence: head.sequence(), hash: head.hash(), checkpoint: None }
    }

    /// Requires that the chain contains `head`, which was stored where writers of the database cannot change it.
    #[must_use]
    pub fn with_checkpoint(self, head: Head) -> Self {
        Self { checkpoint: Some(head), ..self }
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// [`ChainError`]: the first problem. Results after an error are meaningless.
    pub fn feed(&mut self, sealed: &SealedEntry) -> Result<(), ChainError> {
        self.check_sequence(sealed)?;
        let sequence = sealed.sequence;
        match sealed.expected_hash(self.key) {
            Some(expected) if expected == sealed.hash => {}
            None if !sealed.names_another_key(self.key) => {
                return Err(ChainError::UnknownKey { sequence, key: sealed.key });
            }
            Some(_) | None => return Err(ChainError::Changed { sequence }),
        }
        if sealed.previous != self.hash {
            return Err(ChainError::Forked { sequence });
        }
        (self.sequence, self.hash) = (sequence, sealed.hash);
        self.check_checkpoint()
    }

    fn check_sequence(&self, sealed: &SealedEntry) -> Result<(), ChainError> {
        let (sequence, expected) = (sealed.sequence, self.sequence + 1);
        if sequence > expected {
            return Err(ChainError::Missing { sequence: expected, found: sequence });
        }
        if sequence == expected {
            return Ok(());
        }
        if sequence == self.sequence && sealed.hash == self.hash {
            return Err(ChainError::Repeated { sequence });
        }
        if sequence == self.sequence && sealed.expected_hash(self.key) == Some(sealed.hash) {
            return Err(ChainError::Forked { sequence });
        }
        Err(ChainError::OutOfOrder { sequence, expected })
    }

    fn check_checkpoint(&self) -> Result<(), ChainError> {
        match self.checkpoint {
            Some(head) if head.sequence() == self.sequence && head.hash() != self.hash => {
                Err(ChainError::Rewritten { sequence: self.sequence })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Ends the chain at its head.
    ///
    /// # Errors
    /// [`ChainError`] when the head names another end, or the checkpoint was not reached.
    pub fn finish(self, head: &Head) -> Result<VerifiedChain, ChainError> {
        self.check_end(head)?;
        if let Some(checkpoint) = self.checkpoint {
            self.check_reached(&checkpoint)?;
        }
        Ok(VerifiedChain { entries: self.sequence, hash: self.hash })
    }

    fn check_end(&self, head: &Head) -> Result<(), ChainError> {
        self.check_reached(head)?;
        if head.sequence() < self.sequence {
            return Err(ChainError::BeyondHead { sequence: head.sequence() + 1 });
        }
        if head.hash() != self.hash {
            return Err(ChainError::Forked { sequence: self.sequence });
        }
        Ok(())
    }

    fn check_reached(&self, head: &Head) -> Result<(), ChainError> {
        if head.sequence() > self.sequence {
            return Err(ChainError::Truncated { sequence: self.sequence + 1, head: head.sequence() });
        }
        Ok(())
    }
}
