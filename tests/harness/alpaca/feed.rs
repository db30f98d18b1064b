//! The broker's event streams.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    /// Orders and executions.
    Trades,
    /// The older stream, resumed by another parameter.
    AccountStatus,
    Journals,
    /// Transfers.
    Funding,
    /// Every ledger entry.
    Activities,
}

impl Feed {
    pub const ALL: [Self; 5] =
        [Self::Trades, Self::AccountStatus, Self::Journals, Self::Funding, Self::Activities];

    pub const fn path(self) -> &'static str {
        match self {
            Self::Trades => "/v2/events/trades",
            Self::AccountStatus => "/v1/events/accounts/status",
            Self::Journals => "/v2/events/journals/status",
            Self::Funding => "/v2/events/funding/status",
            Self::Activities => "/v2beta1/events/activities",
        }
    }

    /// The query parameter from whose id the stream resumes.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::AccountStatus => "since_ulid",
            Self::Trades | Self::Journals | Self::Funding | Self::Activities => "since_id",
        }
    }

    pub(super) fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.path() == path)
    }
}
