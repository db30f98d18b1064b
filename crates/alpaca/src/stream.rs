//! The streams, their paths, and the ids that they are resumed by.

use strum::{Display, EnumString, IntoStaticStr};

/// An event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", parse_err_ty = UnknownStream, parse_err_fn = unknown)]
pub enum Stream {
    /// Orders and executions.
    Trades,
    /// Changes of an account's status.
    AccountStatus,
    /// Cash and shares moved between accounts.
    Journals,
    /// Transfers, with their banks and wallets.
    Funding,
    /// Every entry of Alpaca's ledger.
    Activities,
}

/// The text is not the name of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be trades, account_status, journals, funding or activities")]
pub struct UnknownStream;

/// How a stream is resumed: the parameter of the request, and the member of a record that is its value.
///
/// Older streams also have integer ids. Those end on 2027-02-15 and every record has its ULID as well, so they are not
/// used.
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

    /// The name in settings, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

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

    /// The position in [`Self::ALL`].
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

fn unknown(_: &str) -> UnknownStream {
    UnknownStream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_found_by_its_name_and_by_its_index() {
        for (index, stream) in Stream::ALL.into_iter().enumerate() {
            assert_eq!(stream.index(), index);
            assert_eq!(stream.to_string().parse(), Ok(stream));
        }
        assert_eq!("Trades".parse::<Stream>(), Err(UnknownStream));
    }
}
