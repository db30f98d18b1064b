//! Reasons why a chain is not authentic.

use crate::key_id::KeyId;

/// The first problem of a chain. `sequence` is the number of the entry that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum ChainError {
    /// An entry or the head names a key that is not configured, so that it cannot be verified. It may be authentic.
    #[error("audit key {key} of entry {sequence} is missing")]
    UnknownKey {
        /// Number of the entry.
        sequence: u64,
        /// The unknown key.
        key: KeyId,
    },
    /// The hash of an entry does not match its content.
    #[error("entry {sequence} was changed: its hash does not match its content")]
    Changed {
        /// Number of the entry.
        sequence: u64,
    },
    /// A later entry is in its place.
    #[error("entry {sequence} is missing: found entry {found} in its place")]
    Missing {
        /// Number of the entry.
        sequence: u64,
        /// Number of the entry in its place.
        found: u64,
    },
    /// An entry follows later ones.
    #[error("entry {sequence} is out of order: expected entry {expected}")]
    OutOfOrder {
        /// Number of the entry.
        sequence: u64,
        /// Number of the expected entry.
        expected: u64,
    },
    /// The same entry occurs twice.
    #[error("entry {sequence} occurs twice")]
    Repeated {
        /// Number of the entry.
        sequence: u64,
    },
    /// An entry is authentic but does not follow the entry before it.
    #[error("chain forks at entry {sequence}: it is authentic but does not follow the entry before it")]
    Forked {
        /// Number of the entry.
        sequence: u64,
    },
    /// The chain ends before its head.
    #[error("chain is truncated: entry {sequence} is missing and the head names entry {head} as the last")]
    Truncated {
        /// Number of the first missing entry.
        sequence: u64,
        /// Number of the last entry according to the head.
        head: u64,
    },
    /// The chain continues after its head.
    #[error("entry {sequence} follows the last entry that the head names")]
    BeyondHead {
        /// Number of the first entry after the head.
        sequence: u64,
    },
    /// The seal of the head does not match its content.
    #[error("head was changed: it names entry {sequence} as the last, but its seal does not match")]
    HeadChanged {
        /// Number of the entry that the head names.
        sequence: u64,
    },
    /// The chain is authentic but does not contain the checkpoint.
    #[error("history was rewritten: entry {sequence} is not the entry of the checkpoint")]
    Rewritten {
        /// Number of the entry.
        sequence: u64,
    },
}

impl ChainError {
    /// Number of the first invalid entry.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        match self {
            Self::UnknownKey { sequence, .. }
            | Self::Changed { sequence }
            | Self::Missing { sequence, .. }
            | Self::OutOfOrder { sequence, .. }
            | Self::Repeated { sequence }
            | Self::Forked { sequence }
            | Self::Truncated { sequence, .. }
            | Self::BeyondHead { sequence }
            | Self::HeadChanged { sequence }
            | Self::Rewritten { sequence } => sequence,
        }
    }

    /// Machine-readable code.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.into()
    }
}
