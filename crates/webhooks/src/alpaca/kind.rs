//! The six kinds of events.

use std::fmt;

use domain::Provider;

use crate::channel::Channel;

/// A kind of event. Bodies do not name theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Orders and fills.
    Trade,
    /// Status of accounts.
    Account,
    /// Money in and out.
    Transfer,
    /// Money and shares between accounts at the broker.
    Journal,
    /// Entries of the broker's ledger that are no trades, in their older shape.
    Nta,
    /// Entries of the broker's ledger, in their newer shape.
    Activity,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Trade, Self::Account, Self::Transfer, Self::Journal, Self::Nta, Self::Activity];

    /// The name, as in the path of its endpoint.
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

    /// The channel of these events.
    #[must_use]
    pub const fn channel(self) -> Channel {
        let name = match self {
            Self::Trade => "alpaca/trade",
            Self::Account => "alpaca/account",
            Self::Transfer => "alpaca/transfer",
            Self::Journal => "alpaca/journal",
            Self::Nta => "alpaca/nta",
            Self::Activity => "alpaca/activity",
        };
        Channel::new(Provider::Alpaca, name)
    }

    pub(super) fn from_channel(channel: Channel) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.channel() == channel)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
