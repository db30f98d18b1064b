//! The reasons why a connection fails or ends.

use std::time::Duration;

/// Longest `Retry-After` that is honoured.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Why a connection failed or ended. The stream is then resumed from its last durable cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum DisconnectReason {
    #[error("no API key configured")]
    NoKey,
    /// 401.
    #[error("API key rejected")]
    KeyRefused,
    /// 403.
    #[error("API key may not read this stream")]
    Forbidden,
    /// 429, too many connections: Alpaca allows 25 per key.
    #[error("connections are rate limited")]
    RateLimited { retry_after: Option<Duration> },
    #[error("unexpected response status {0}")]
    Status(u16),
    /// Not followed: the key would be sent to another host.
    #[error("unexpected redirect")]
    Redirect,
    #[error("response is not an event stream")]
    NotEventStream,
    #[error("connection failed")]
    ConnectFailed,
    #[error("no response in time")]
    ResponseTimeout,
    #[error("connection lost")]
    ConnectionLost,
    #[error("connection closed by Alpaca")]
    Closed,
    /// Alpaca sends heartbeats, so that a silent connection is a broken one.
    #[error("nothing received in time")]
    IdleTimeout,
    /// Alpaca reported an internal error in a comment.
    #[error("Alpaca reported a server error")]
    ServerError,
    /// Alpaca reported in a comment that it left out records; the gap is read again.
    #[error("Alpaca dropped records")]
    RecordsDropped { messages: Option<u64> },
    #[error("storing the records failed")]
    SinkFailed,
    /// The connection reached its maximum age.
    #[error("scheduled reconnect")]
    ScheduledReconnect,
}

impl DisconnectReason {
    /// The name in logs and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        self.into()
    }

    /// The pause before the next connection: the backoff, or a longer `Retry-After`.
    pub(crate) fn pause(self, backoff: Duration) -> Duration {
        match self {
            Self::RateLimited { retry_after: Some(wait) } => backoff.max(wait.min(RETRY_AFTER_MAX)),
            _ => backoff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_retry_after_is_honoured_up_to_the_maximum() {
        let pause = |retry_after| DisconnectReason::RateLimited { retry_after }.pause(Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::from_secs(30))), Duration::from_secs(30));
        assert_eq!(pause(Some(Duration::ZERO)), Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::MAX)), RETRY_AFTER_MAX);
        assert_eq!(pause(None), Duration::from_secs(1));
    }
}
