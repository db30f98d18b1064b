//! What is wrong with a chain, and from which entry on.

use crate::key::KeyId;

/// The first thing that is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry or the head names a key that was not given.
    #[error("entry {sequence} was written with key {key}, which was not given")]
    UnknownKey {
        /// Of which entry.
        sequence: u64,
        /// Which key.
        key: KeyId,
    },
    /// What an entry says is not what was authenticated.
    #[error("entry {sequence} was changed: its hash is not what its key makes of it")]
    Changed {
        /// Which entry.
        sequence: u64,
    },
    /// An entry is not where it should be.
    #[error("entry {sequence} is missing: entry {found} stands in its place")]
    Missing {
        /// Which entry.
        sequence: u64,
        /// What stands there.
        found: u64,
    },
    /// An entry stands after later ones.
    #[error("entry {sequence} is out of order: entry {expected} belongs in its place")]
    OutOfOrder {
        /// Which entry.
        sequence: u64,
        /// What belongs there.
        expected: u64,
    },
    /// The same entry stands twice.
    #[error("entry {sequence} stands twice")]
    Repeated {
        /// Which entry.
        sequence: u64,
    },
    /// An entry is authentic and continues another history.
    #[error("the chain forks at entry {sequence}: it is authentic and does not continue the entry before it")]
    Forked {
        /// Which entry.
        sequence: u64,
    },
    /// The chain ends before its head.
    #[error("the chain is cut off: entry {sequence} is missing and the head names entry {head} as the last")]
    Truncated {
        /// The first entry that is missing.
        sequence: u64,
        /// The last entry that the head knows.
        head: u64,
    },
    /// The chain goes on after its head.
    #[error("entry {sequence} stands after the last entry that the head knows")]
    BeyondHead {
        /// The first entry that the head does not know.
        sequence: u64,
    },
    /// The head's seal is not what its key makes of it.
    #[error("the head was changed: it names entry {sequence} as the last and its seal says otherwise")]
    HeadChanged {
        /// Which entry it names.
        sequence: u64,
    },
    /// The chain is authentic and differs from a head that was kept elsewhere.
    #[error("history was rewritten: entry {sequence} is not the one that the kept head names")]
    Rewritten {
        /// Which entry.
        sequence: u64,
    },
}

impl Fault {
    /// The number of the first entry that is wrong.
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

    /// One word for it, for machines.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "unknown_key",
            Self::Changed { .. } => "changed",
            Self::Missing { .. } => "missing",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Repeated { .. } => "repeated",
            Self::Forked { .. } => "forked",
            Self::Truncated { .. } => "truncated",
            Self::BeyondHead { .. } => "beyond_head",
            Self::HeadChanged { .. } => "head_changed",
            Self::Rewritten { .. } => "rewritten",
        }
    }
}
