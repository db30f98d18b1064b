//! Roles of API keys.

use crate::scope::Scopes;

/// The most that an API key may do. A role includes all roles before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// May read.
    Viewer,
    /// May read and trade.
    Trader,
    /// May read, trade and administer.
    Admin,
}

impl Role {
    /// The role of every client of a server without keys.
    pub const OPEN: Self = Self::Viewer;

    /// The scopes that a key of this role may have, and has unless it names some of them.
    #[must_use]
    pub const fn scopes(self) -> Scopes {
        match self {
            Self::Viewer => Scopes::READ,
            Self::Trader => Scopes::READ.and(Scopes::TRADE),
            Self::Admin => Scopes::ALL,
        }
    }
}
