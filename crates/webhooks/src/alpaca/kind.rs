//! The six kinds of events, by the shape of their bodies.

use std::fmt;
use std::str::FromStr;

/// A kind of event. Bodies do not name theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Orders and fills.
    Trade,
    /// Standing of accounts.
    Account,
    /// Money in and out.
    Transfer,
    /// Money and shares between accounts at the broker.
    Journal,
    /// Entries of the broker's book that are no trades, in their older shape.
    Nta,
    /// Entries of the broker's book, in their newer shape.
    Activity,
}

/// The text is no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kind of event is trade, account, transfer, journal, nta or activity")]
pub struct KindError;

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Trade, Self::Account, Self::Transfer, Self::Journal, Self::Nta, Self::Activity];

    /// Its name, as in the path at which it is received.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Account => "account",
            Self::Transfer => "transfer",
            Self::Journal => "journal",
            Self::Nta => "nta",
            Self::Activity => "activity",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(KindError)
    }
}
