//! One connection: a reader that never waits for a disk, a queue, and a keeper that hands batches to the sink.
//!
//! The reader stops when the queue is full, and so does the broker, which then says what it dropped; nothing grows.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::batch::{BATCH_RECORDS_MAX, Batch, Record, SinkError, Unreadable};
use crate::decoder::{Decoder, Item};
use crate::ending::Ending;
use crate::event_id::EventId;
use crate::event_streams::EventStreams;
use crate::notice::Notice;
use crate::status::Status;
use crate::stream::Stream;

/// Records read and not yet handed to the sink. With a full batch beside it a stream holds 16 MiB at the worst.
const QUEUE_RECORDS_MAX: usize = 128;
/// How far ahead of our clock an id may be and still move the cursor. Beyond it, one bad id would skip what is to come.
const AHEAD_MAX_MS: i64 = 5 * 60 * 1000;

/// What a connection needs.
pub(crate) struct Connection<'a> {
    pub(crate) streams: &'a EventStreams,
    pub(crate) stream: Stream,
    pub(crate) status: &'a Status,
}

impl Connection<'_> {
    /// Reads from `since` on until something ends it, moving the cursor with what became durable.
    pub(crate) async fn run<S, F>(&self, since: EventId, cursor: &mut EventId, sink: &S) -> Ending
    where
        S: Fn(Batch) -> F,
        F: Future<Output = Result<(), SinkError>>,
    {
        let response = match self.open(since).await {
            Ok(response) => response,
            Err(ending) => return ending,
        };
        let _connected = self.status.connected();
        let (queue, queued) = mpsc::channel(QUEUE_RECORDS_MAX);
        let mut reading = pin!(self.read(response, queue));
        let mut keeping = pin!(self.keep(queued, cursor, sink));
        tokio::select! {
            // What was read before the end is still kept: it stands before whatever was lost.
            ending = &mut reading => keeping.await.map_or(Ending::NotKept, |()| ending),
            // The keeper ends first only when the sink has failed.
            _ = &mut keeping => Ending::NotKept,
        }
    }

    async fn open(&self, since: EventId) -> Result<Response, Ending> {
        let mut key = (self.streams.key)().ok_or(Ending::NoKey)?;
        key.set_sensitive(true);
        let sending = self.streams.http.get(self.url(since)).header(AUTHORIZATION, key).send();
        let response = timeout(self.streams.config.answer_timeout, sending).await;
        let response = response.map_err(|_| Ending::NoAnswer)?.map_err(|_| Ending::NotConnected)?;
        accepted(response)
    }

    fn url(&self, since: EventId) -> Url {
        let mut url = self.streams.base.clone();
        url.set_path(self.stream.path());
        url.query_pairs_mut().append_pair(self.stream.resume().parameter(), &since.to_string());
        url
    }

    async fn read(&self, mut response: Response, queue: mpsc::Sender<Record>) -> Ending {
        let config = &self.streams.config;
        let renew_at = Instant::now() + config.connection_age_max;
        let mut silent_at = Instant::now() + config.silence_max;
        let mut decoder = Decoder::default();
        while Instant::now() < renew_at {
            let mut chunk = match timeout_at(silent_at.min(renew_at), response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ending::Closed,
                Ok(Err(_)) => return Ending::Broken,
                Err(_) if silent_at <= renew_at => return Ending::Silent,
                Err(_) => break,
            };
            while let Some(item) = decoder.next(&mut chunk) {
                self.status.heard((self.streams.clock)());
                if let Err(ending) = self.take(item, &queue).await {
                    return ending;
                }
                // Counted from here: waiting for room in the queue is no silence of the broker's.
                silent_at = Instant::now() + config.silence_max;
            }
        }
        Ending::Renewed
    }

    async fn take(&self, item: Item, queue: &mpsc::Sender<Record>) -> Result<(), Ending> {
        match item {
            Item::Data(data) => self.queue(data, queue).await,
            Item::TooLarge => {
                self.skip(Unreadable::TooLarge);
                Ok(())
            }
            Item::Comment(comment) => match Notice::read(&comment) {
                Notice::Alive => Ok(()),
                Notice::ServerError => Err(Ending::ServerError),
                Notice::Dropped(messages) => Err(Ending::Dropped { messages }),
            },
        }
    }

    async fn queue(&self, data: Bytes, queue: &mpsc::Sender<Record>) -> Result<(), Ending> {
        match Record::read(self.stream, data) {
            Ok(record) => queue.send(record).await.map_err(|_| Ending::NotKept),
            Err(unreadable) => {
                self.skip(unreadable);
                Ok(())
            }
        }
    }

    /// Stopping here would hold up every account for one record that will never be readable: it is counted and said.
    fn skip(&self, unreadable: Unreadable) {
        self.status.unreadable();
        tracing::error!(stream = %self.stream, "a record of an event stream is skipped: {unreadable}");
    }

    async fn keep<S, F>(
        &self,
        mut queued: mpsc::Receiver<Record>,
        cursor: &mut EventId,
        sink: &S,
    ) -> Result<(), Ending>
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
            let kept = timeout(self.streams.config.sink_timeout, sink(batch)).await;
            self.check(kept.ok())?;
            *cursor = next;
            self.status.stands_at(next);
            self.status.kept(count, (self.streams.clock)());
        }
    }

    fn check(&self, kept: Option<Result<(), SinkError>>) -> Result<(), Ending> {
        match kept {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(stream = %self.stream, reason, "{error}");
            }
            None => tracing::error!(stream = %self.stream, "keeping records of a stream took too long"),
        }
        Err(Ending::NotKept)
    }

    /// The latest id, so that reading again what came before never takes the cursor back.
    fn cursor_after(&self, cursor: EventId, records: &[Record]) -> EventId {
        let latest_ms = (self.streams.clock)().saturating_add(AHEAD_MAX_MS);
        let ids = records.iter().map(|record| record.id).filter(|id| id.unix_ms() <= latest_ms);
        ids.fold(cursor, EventId::max)
    }
}

/// The answer, when it is an event stream. What the broker writes in its error bodies is not read.
fn accepted(response: Response) -> Result<Response, Ending> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(Ending::KeyRefused),
        StatusCode::FORBIDDEN => return Err(Ending::Forbidden),
        StatusCode::TOO_MANY_REQUESTS => {
            return Err(Ending::Limited { retry_after: retry_after(&response) });
        }
        status if status.is_redirection() => return Err(Ending::Redirected),
        status => return Err(Ending::Status(status.as_u16())),
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/event-stream") { Ok(response) } else { Err(Ending::NotAStream) }
}

/// In seconds; other forms of the header count as none.
fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
