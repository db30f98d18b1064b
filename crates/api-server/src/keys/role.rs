//! What a key allows.

use std::fmt;

/// Each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads and trades.
    Trader,
    /// Reads, trades and administers.
    Admin,
}

impl Role {
    /// The role of everyone on a server without keys: reading. A missing key never means more.
    pub const OPEN: Self = Self::Viewer;

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Trader, Self::Admin].into_iter().find(|role| role.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Trader => "trader",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
