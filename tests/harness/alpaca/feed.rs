//! The streams of the fake, as the broker's documents have them.

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    /// Orders and executions.
    Trades,
    /// How accounts stand: the one older stream, resumed by another parameter.
    AccountStatus,
    /// Journals.
    Journals,
    /// Transfers.
    Funding,
    /// Every entry of the book.
    Activities,
}

impl Feed {
    /// Every stream.
    pub const ALL: [Self; 5] =
        [Self::Trades, Self::AccountStatus, Self::Journals, Self::Funding, Self::Activities];

    /// Its path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Trades => "/v2/events/trades",
            Self::AccountStatus => "/v1/events/accounts/status",
            Self::Journals => "/v2/events/journals/status",
            Self::Funding => "/v2/events/funding/status",
            Self::Activities => "/v2beta1/events/activities",
        }
    }

    /// The parameter that it is resumed by.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::AccountStatus => "since_ulid",
            Self::Trades | Self::Journals | Self::Funding | Self::Activities => "since_id",
        }
    }

    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.path() == path)
    }
}
