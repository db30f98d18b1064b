//! Why a connection ended, or was not made.

use std::time::Duration;

/// Why a connection ended, or was not made. After each of them the stream is resumed from its last durable cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// There is no key.
    #[error("no key is configured")]
    NoKey,
    /// The key is not accepted (401).
    #[error("the broker does not accept the key")]
    KeyRefused,
    /// The key may not read this stream (403).
    #[error("the key may not read this stream")]
    Forbidden,
    /// Too many connections (429): the broker allows 25 for one key.
    #[error("the broker limits our connections")]
    Limited {
        /// What it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Another status than 200.
    #[error("the broker answered with status {0}")]
    Status(u16),
    /// The broker sent us elsewhere, and we do not follow: the key would go along.
    #[error("the broker redirects")]
    Redirected,
    /// The answer is no event stream.
    #[error("the answer is no event stream")]
    NotAStream,
    /// No connection could be made.
    #[error("no connection")]
    NotConnected,
    /// The answer did not begin in time.
    #[error("no answer in time")]
    NoAnswer,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// The broker closed the connection.
    #[error("the broker closed the connection")]
    Closed,
    /// Nothing was heard for too long, not even a heartbeat.
    #[error("nothing was heard for too long")]
    Silent,
    /// The broker said that it failed.
    #[error("the broker failed")]
    ServerError,
    /// The broker said that it left records out: a gap, which is read again.
    #[error("the broker left records out")]
    Dropped {
        /// How many, where it said.
        messages: Option<u64>,
    },
    /// The sink could not keep what came.
    #[error("the records could not be kept")]
    NotKept,
    /// The connection reached its age.
    #[error("the connection is made anew as planned")]
    Renewed,
}

impl Ending {
    /// Every [`Self::reason`].
    pub const REASONS: [&'static str; 16] = [
        "no_key",
        "key_refused",
        "forbidden",
        "limited",
        "status",
        "redirected",
        "not_a_stream",
        "not_connected",
        "no_answer",
        "broken",
        "closed",
        "silent",
        "server_error",
        "dropped",
        "not_kept",
        "renewed",
    ];

    /// One word, for a metric's label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        Self::REASONS[self.index()]
    }

    /// Its place in [`Self::REASONS`].
    pub(crate) const fn index(&self) -> usize {
        match self {
            Self::NoKey => 0,
            Self::KeyRefused => 1,
            Self::Forbidden => 2,
            Self::Limited { .. } => 3,
            Self::Status(_) => 4,
            Self::Redirected => 5,
            Self::NotAStream => 6,
            Self::NotConnected => 7,
            Self::NoAnswer => 8,
            Self::Broken => 9,
            Self::Closed => 10,
            Self::Silent => 11,
            Self::ServerError => 12,
            Self::Dropped { .. } => 13,
            Self::NotKept => 14,
            Self::Renewed => 15,
        }
    }

    /// Whether records may be lost unless they are read again.
    #[must_use]
    pub const fn is_gap(&self) -> bool {
        matches!(self, Self::Dropped { .. })
    }

    /// What the broker asks us to wait.
    pub(crate) const fn asked_pause(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let mut reasons = Ending::REASONS.to_vec();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), Ending::REASONS.len());
        assert_eq!(Ending::Dropped { messages: None }.reason(), "dropped");
        assert_eq!(Ending::Renewed.reason(), "renewed");
        assert_eq!(Ending::Limited { retry_after: None }.reason(), "limited");
    }
}
