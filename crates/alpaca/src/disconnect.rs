//! Why a connection ended, or was not made.

use std::time::Duration;

/// Longest wait that Alpaca may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Why a connection ended, or was not made. After each of them the stream is resumed from its last durable cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// Nothing was received for too long, not even a heartbeat.
    #[error("nothing received in time")]
    IdleTimeout,
    /// Alpaca sent a comment about an error of its own.
    #[error("Alpaca reported a server error")]
    ServerError,
    /// Alpaca sent a comment that it left records out: a gap, which is read again.
    #[error("Alpaca dropped records")]
    RecordsDropped { messages: Option<u64> },
    #[error("storing the records failed")]
    SinkFailed,
    /// The connection reached its maximum age.
    #[error("scheduled reconnect")]
    ScheduledReconnect,
}

impl DisconnectReason {
    /// Its name in logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::KeyRefused => "key_refused",
            Self::Forbidden => "forbidden",
            Self::RateLimited { .. } => "rate_limited",
            Self::Status(_) => "status",
            Self::Redirect => "redirect",
            Self::NotEventStream => "not_event_stream",
            Self::ConnectFailed => "connect_failed",
            Self::ResponseTimeout => "response_timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Closed => "closed",
            Self::IdleTimeout => "idle_timeout",
            Self::ServerError => "server_error",
            Self::RecordsDropped { .. } => "records_dropped",
            Self::SinkFailed => "sink_failed",
            Self::ScheduledReconnect => "scheduled_reconnect",
        }
    }

    /// The pause before the next connection: the one of the backoff, or a longer one that Alpaca asked for.
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
    fn alpaca_may_ask_for_a_longer_pause_within_a_bound() {
        let pause = |retry_after| DisconnectReason::RateLimited { retry_after }.pause(Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::from_secs(30))), Duration::from_secs(30));
        assert_eq!(pause(Some(Duration::ZERO)), Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::MAX)), RETRY_AFTER_MAX);
        assert_eq!(pause(None), Duration::from_secs(1));
    }
}
