//! Reads a stream until the caller drops it: connects, reads, stores, and reconnects after every disconnect.

use std::convert::Infallible;
use std::time::Duration;

use backon::BackoffBuilder;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::batch::{Batch, SinkError};
use crate::client::Client;
use crate::connection::Connection;
use crate::disconnect::DisconnectReason;
use crate::event_id::EventId;
use crate::status::{Status, StatusSnapshot};
use crate::stream::Stream;
use crate::{BuildError, Clock, Config, KeySource};

/// A connection that lasted this long resets the backoff, even if it brought nothing new.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Alpaca's streams. At most one connection for each is open at any moment.
pub struct EventStreams {
    client: Client,
    streams: [StreamState; Stream::ALL.len()],
}

#[derive(Debug, Default)]
struct StreamState {
    /// Held by the task that reads the stream.
    reader: Mutex<()>,
    status: Status,
}

impl EventStreams {
    /// Sets up the client; connects to nothing.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(config: Config, key: KeySource, clock: Clock) -> Result<Self, BuildError> {
        Ok(Self { client: Client::new(config, key, clock)?, streams: Default::default() })
    }

    /// Reads `stream` from `cursor` on until the future is dropped, which closes the connection. Without a cursor it
    /// begins [`Config::history`] ago.
    ///
    /// `sink` is called with one batch after the other and returns when all records of a batch are durable; only then
    /// does the cursor move. A batch that it fails to store, or not within [`Config::sink_timeout`], is read again.
    /// Records come at least once.
    ///
    /// A second call for the same stream waits until the first is dropped.
    pub async fn consume<S, F>(&self, stream: Stream, cursor: Option<EventId>, sink: S) -> Infallible
    where
        S: Fn(Batch) -> F,
        F: Future<Output = Result<(), SinkError>>,
    {
        let StreamState { reader, status } = &self.streams[stream.index()];
        let _reader = reader.lock().await;
        let config = &self.client.config;
        let mut cursor = cursor.unwrap_or_else(|| self.initial_cursor());
        status.set_cursor(cursor);
        let backoff = outbound::backoff(config.backoff_first, config.backoff_max);
        let mut pauses = backoff.build();
        let mut margin = config.margin;
        loop {
            let (started_at, before) = (Instant::now(), cursor);
            let connection = Connection { client: &self.client, stream, status };
            let reason = connection.run(cursor.rewound(margin), &mut cursor, &sink).await;
            status.record_disconnect(reason);
            if cursor > before || started_at.elapsed() >= STABLE_AFTER {
                pauses = backoff.build();
            }
            let pause = reason.pause(pauses.next().unwrap_or(config.backoff_max));
            log(stream, reason, cursor, pause);
            let is_scheduled = reason == DisconnectReason::ScheduledReconnect;
            margin = if is_scheduled { config.reread_span } else { config.margin };
            sleep(pause).await;
        }
    }

    /// The state of `stream`.
    #[must_use]
    pub fn status(&self, stream: Stream) -> StatusSnapshot {
        self.streams[stream.index()].status.snapshot()
    }

    fn initial_cursor(&self) -> EventId {
        let history_ms = i64::try_from(self.client.config.history.as_millis()).unwrap_or(i64::MAX);
        EventId::earliest_at(self.client.now_unix_ms().saturating_sub(history_ms))
    }
}

fn log(stream: Stream, reason: DisconnectReason, cursor: EventId, pause: Duration) {
    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    let name = reason.as_str();
    if reason == DisconnectReason::ScheduledReconnect {
        tracing::debug!(%stream, reason = name, %cursor, pause_ms, "event stream reconnecting as scheduled");
    } else {
        tracing::warn!(%stream, reason = name, %cursor, pause_ms, "event stream disconnected, reconnecting: {reason}");
    }
}

impl std::fmt::Debug for EventStreams {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EventStreams")
            .field("base_url", &self.client.config.base_url)
            .finish_non_exhaustive()
    }
}
