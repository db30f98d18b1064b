//! Reading a stream for as long as somebody wants it: connect, read, keep, and after every ending once more.

use std::convert::Infallible;
use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderValue};
use reqwest::{Client, Url};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::batch::{Batch, SinkError};
use crate::connection::Connection;
use crate::ending::Ending;
use crate::event_id::EventId;
use crate::status::{Status, StatusReading};
use crate::stream::Stream;
use crate::{BuildError, Clock, Config, KeySource};

/// How long a connection must have lasted for the next one not to wait longer, though it brought nothing new.
const LASTED: Duration = Duration::from_secs(60);
/// Time between two probes of an idle connection by the operating system.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The broker's streams. At most one connection for each is open at any moment.
pub struct EventStreams {
    pub(crate) http: Client,
    pub(crate) base: Url,
    pub(crate) key: KeySource,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    lines: [Line; Stream::ALL.len()],
}

/// One stream's own.
#[derive(Debug, Default)]
struct Line {
    turn: Mutex<()>,
    status: Status,
}

impl EventStreams {
    /// Sets up the client; connects to nothing.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(config: Config, key: KeySource, clock: Clock) -> Result<Self, BuildError> {
        let base = config.checked()?;
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        let http = Client::builder()
            .user_agent(concat!("investiq/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(config.connect_timeout)
            .tcp_keepalive(KEEPALIVE)
            // A redirect would carry the key to a host that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            // Proxies of the environment are not settings of ours.
            .no_proxy()
            .referer(false)
            .https_only(base.scheme() == "https")
            .build()
            .map_err(BuildError::Client)?;
        Ok(Self { http, base, key, clock, config, lines: Default::default() })
    }

    /// Reads `stream` from `cursor` on until the future is dropped, which closes the connection. Without a cursor it
    /// begins [`Config::history`] ago.
    ///
    /// `sink` is called with one batch after the other and says when all records of a batch are durable; only then does
    /// the cursor move. A batch that it does not keep, or not within [`Config::sink_timeout`], is read again. Records
    /// come at least once.
    ///
    /// A second call for the same stream waits until the first is dropped.
    pub async fn consume<S, F>(&self, stream: Stream, cursor: Option<EventId>, sink: S) -> Infallible
    where
        S: Fn(Batch) -> F,
        F: Future<Output = Result<(), SinkError>>,
    {
        let _turn = self.line(stream).turn.lock().await;
        let status = &self.line(stream).status;
        let mut cursor = cursor.unwrap_or_else(|| self.beginning());
        status.stands_at(cursor);
        let mut backoff = Backoff::new(&self.config);
        let mut span = self.config.margin;
        loop {
            let (begun, before) = (Instant::now(), cursor);
            let connection = Connection { streams: self, stream, status };
            let ending = connection.run(cursor.rewound(span), &mut cursor, &sink).await;
            status.ended(ending);
            if cursor > before || begun.elapsed() >= LASTED {
                backoff.reset();
            }
            let pause = backoff.pause(ending.asked_pause());
            report(stream, ending, cursor, pause);
            span = if ending == Ending::Renewed { self.config.reread_span } else { self.config.margin };
            sleep(pause).await;
        }
    }

    /// How `stream` stands.
    #[must_use]
    pub fn status(&self, stream: Stream) -> StatusReading {
        self.line(stream).status.read()
    }

    /// Where a stream begins that has no cursor.
    fn beginning(&self) -> EventId {
        let history_ms = i64::try_from(self.config.history.as_millis()).unwrap_or(i64::MAX);
        EventId::earliest_at((self.clock)().saturating_sub(history_ms))
    }

    fn line(&self, stream: Stream) -> &Line {
        &self.lines[stream.index()]
    }
}

fn report(stream: Stream, ending: Ending, cursor: EventId, pause: Duration) {
    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    let reason = ending.reason();
    if ending == Ending::Renewed {
        tracing::debug!(%stream, reason, %cursor, pause_ms, "{ending}");
    } else {
        tracing::warn!(%stream, reason, %cursor, pause_ms, "an event stream is resumed: {ending}");
    }
}

impl std::fmt::Debug for EventStreams {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EventStreams").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}
