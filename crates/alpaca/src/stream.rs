//! The streams that are read: where each lies, and which of its ids it is resumed by.

use std::fmt;
use std::str::FromStr;

/// One of the broker's event streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Orders and executions.
    Trades,
    /// How accounts stand.
    AccountStatus,
    /// Money and shares moved between accounts.
    Journals,
    /// Transfers, and the banks and wallets they go to.
    Funding,
    /// Every entry of the broker's book.
    Activities,
}

/// The text names no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream is trades, account_status, journals, funding or activities")]
pub struct UnknownStream;

/// How a stream is resumed: the parameter of the request, and the member of a record that the parameter takes.
///
/// Older streams also count in integers. Those end on 2027-02-15 and every record carries its ULID beside them, so they
/// are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// `since_id`, from `event_id`.
    EventId,
    /// `since_ulid`, from `event_ulid`, where `event_id` is an integer.
    EventUlid,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 5] =
        [Self::Trades, Self::AccountStatus, Self::Journals, Self::Funding, Self::Activities];

    /// Its name in settings, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::AccountStatus => "account_status",
            Self::Journals => "journals",
            Self::Funding => "funding",
            Self::Activities => "activities",
        }
    }

    /// Where it lies below the broker's base URL.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Trades => "/v2/events/trades",
            Self::AccountStatus => "/v1/events/accounts/status",
            Self::Journals => "/v2/events/journals/status",
            Self::Funding => "/v2/events/funding/status",
            Self::Activities => "/v2beta1/events/activities",
        }
    }

    pub(crate) const fn resume(self) -> Resume {
        match self {
            Self::AccountStatus => Resume::EventUlid,
            Self::Trades | Self::Journals | Self::Funding | Self::Activities => Resume::EventId,
        }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl Resume {
    pub(crate) const fn parameter(self) -> &'static str {
        match self {
            Self::EventId => "since_id",
            Self::EventUlid => "since_ulid",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Stream {
    type Err = UnknownStream;

    fn from_str(text: &str) -> Result<Self, UnknownStream> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == text).ok_or(UnknownStream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_found_by_its_name_and_by_its_place() {
        for (place, stream) in Stream::ALL.into_iter().enumerate() {
            assert_eq!(stream.index(), place);
            assert_eq!(stream.to_string().parse(), Ok(stream));
        }
        assert_eq!("Trades".parse::<Stream>(), Err(UnknownStream));
    }
}
