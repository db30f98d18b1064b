//! Roles of API keys.

/// A role includes all roles before it.
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
}
