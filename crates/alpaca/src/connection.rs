//! One connection: a reader that never waits for a disk, a queue, and a writer that passes batches to the sink.
//!
//! When the queue is full the reader stops; Alpaca then drops records and reports it. No buffer grows.

use std::pin::pin;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Response, StatusCode, Url};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::batch::{BATCH_RECORDS_MAX, Batch, Record, RecordError, SinkError};
use crate::client::Client;
use crate::decoder::{Decoder, Item};
use crate::disconnect::DisconnectReason;
use crate::event_id::EventId;
use crate::notice::Notice;
use crate::status::Status;
use crate::stream::Stream;

/// Records that wait for the sink. With a full batch in addition, a stream uses at most 16 MiB.
const QUEUE_RECORDS_MAX: usize = 128;
/// How far ahead of our clock an id may move the cursor. Without a bound, one bad id would skip later records.
const AHEAD_MAX_MS: i64 = 5 * 60 * 1000;

pub(crate) struct Connection<'a> {
    pub(crate) client: &'a Client,
    pub(crate) stream: Stream,
    pub(crate) status: &'a Status,
}

impl Connection<'_> {
    /// Reads from `since` on until the connection ends, and moves the cursor when records become durable.
    pub(crate) async fn run<S, F>(&self, since: EventId, cursor: &mut EventId, sink: &S) -> DisconnectReason
    where
        S: Fn(Batch) -> F,
        F: Future<Output = Result<(), SinkError>>,
    {
        let response = match self.open(since).await {
            Ok(response) => response,
            Err(reason) => return reason,
        };
        let _guard = self.status.connected();
        let (queue, queued) = mpsc::channel(QUEUE_RECORDS_MAX);
        let mut reading = pin!(self.read(response, queue));
        let mut storing = pin!(self.store(queued, cursor, sink));
        tokio::select! {
            // Records read before the end are still stored: they precede the lost ones.
            reason = &mut reading => storing.await.map_or(DisconnectReason::SinkFailed, |()| reason),
            // The writer ends first only when the sink has failed.
            _ = &mut storing => DisconnectReason::SinkFailed,
        }
    }

    async fn open(&self, since: EventId) -> Result<Response, DisconnectReason> {
        let mut key = (self.client.key)().ok_or(DisconnectReason::NoKey)?;
        key.set_sensitive(true);
        let sending = self.client.http.get(self.url(since)).header(AUTHORIZATION, key).send();
        let response = timeout(self.client.config.response_timeout, sending).await;
        let response = response
            .map_err(|_| DisconnectReason::ResponseTimeout)?
            .map_err(|_| DisconnectReason::ConnectFailed)?;
        accepted(response)
    }

    fn url(&self, since: EventId) -> Url {
        let mut url = self.client.config.base_url.to_url();
        url.set_path(self.stream.path());
        url.query_pairs_mut().append_pair(self.stream.resume().parameter(), &since.to_string());
        url
    }

    async fn read(&self, mut response: Response, queue: mpsc::Sender<Record>) -> DisconnectReason {
        let config = &self.client.config;
        let reconnect_at = Instant::now() + config.connection_age_max;
        let mut idle_at = Instant::now() + config.idle_timeout;
        let mut decoder = Decoder::default();
        while Instant::now() < reconnect_at {
            let mut chunk = match timeout_at(idle_at.min(reconnect_at), response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return DisconnectReason::Closed,
                Ok(Err(_)) => return DisconnectReason::ConnectionLost,
                Err(_) if idle_at <= reconnect_at => return DisconnectReason::IdleTimeout,
                Err(_) => break,
            };
            while let Some(item) = decoder.next(&mut chunk) {
                self.status.record_received(self.client.now_unix_ms());
                if let Err(reason) = self.process(item, &queue).await {
                    return reason;
                }
                // Measured from here: time spent waiting for the queue is not idle time.
                idle_at = Instant::now() + config.idle_timeout;
            }
        }
        DisconnectReason::ScheduledReconnect
    }

    async fn process(&self, item: Item, queue: &mpsc::Sender<Record>) -> Result<(), DisconnectReason> {
        match item {
            Item::Data(data) => self.enqueue(data, queue).await,
            Item::TooLarge => {
                self.skip(RecordError::TooLarge);
                Ok(())
            }
            Item::Comment(comment) => match Notice::parse(&comment) {
                Notice::Alive => Ok(()),
                Notice::ServerError => Err(DisconnectReason::ServerError),
                Notice::Dropped(messages) => Err(DisconnectReason::RecordsDropped { messages }),
            },
        }
    }

    async fn enqueue(&self, data: Bytes, queue: &mpsc::Sender<Record>) -> Result<(), DisconnectReason> {
        match Record::parse(self.stream, data) {
            Ok(record) => queue.send(record).await.map_err(|_| DisconnectReason::SinkFailed),
            Err(error) => {
                self.skip(error);
                Ok(())
            }
        }
    }

    /// Counts and logs the record. Stopping instead would block every account for one record that stays unreadable.
    fn skip(&self, error: RecordError) {
        self.status.record_unreadable();
        tracing::error!(stream = %self.stream, %error, "event stream record skipped");
    }

    async fn store<S, F>(
        &self,
        mut queued: mpsc::Receiver<Record>,
        cursor: &mut EventId,
        sink: &S,
    ) -> Result<(), DisconnectReason>
    where
        S: Fn(Batch) -> F,
        F: Future<Output = Result<(), SinkError>>,
    {
        loop {
            let mut records = Vec::with_capacity(BATCH_RECORDS_MAX);
            if queued.recv_many(&mut records, BATCH_RECORDS_MAX).await == 0 {
                return Ok(());
            }
            let (count, next) = (records.len(), self.cursor_after(*cursor, &records));
            let batch = Batch { stream: self.stream, records, cursor: next };
            let outcome = timeout(self.client.config.sink_timeout, sink(batch)).await;
            self.check(outcome.ok())?;
            *cursor = next;
            self.status.record_stored(count, next, self.client.now_unix_ms());
        }
    }

    fn check(&self, outcome: Option<Result<(), SinkError>>) -> Result<(), DisconnectReason> {
        match outcome {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(stream = %self.stream, reason, "{error}");
            }
            None => tracing::error!(stream = %self.stream, "storing event stream records timed out"),
        }
        Err(DisconnectReason::SinkFailed)
    }

    /// The latest id, so that reading earlier records again never moves the cursor back.
    fn cursor_after(&self, cursor: EventId, records: &[Record]) -> EventId {
        let latest_ms = self.client.now_unix_ms().saturating_add(AHEAD_MAX_MS);
        let ids = records.iter().map(|record| record.id).filter(|id| id.unix_ms() <= latest_ms);
        ids.fold(cursor, EventId::max)
    }
}

/// The response, when it is an event stream. Error bodies are not read.
fn accepted(response: Response) -> Result<Response, DisconnectReason> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(DisconnectReason::KeyRefused),
        StatusCode::FORBIDDEN => return Err(DisconnectReason::Forbidden),
        StatusCode::TOO_MANY_REQUESTS => {
            return Err(DisconnectReason::RateLimited {
                retry_after: outbound::retry_after(response.headers()),
            });
        }
        status if status.is_redirection() => return Err(DisconnectReason::Redirect),
        status => return Err(DisconnectReason::Status(status.as_u16())),
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/event-stream") {
        Ok(response)
    } else {
        Err(DisconnectReason::NotEventStream)
    }
}
