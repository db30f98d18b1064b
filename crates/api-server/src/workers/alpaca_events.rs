//! Reads the broker's event streams into the inbox, where relayed deliveries of the same events lie too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alpaca::{Batch, EventId, EventStreams, Record, SinkError, Stream};
use domain::Provider;
use store::{Cursor, Receipt, ReceiveError, Store};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use webhooks::Delivery;
use webhooks::alpaca::Kind;

use super::board::{Board, Outcome, Reading};
use super::office::Office;
use super::roster::Heart;
use crate::clock::Clock;
use crate::logs::with_causes;
use crate::metrics::Metrics;

/// Time between two looks at how the streams stand.
const LOOK_PERIOD: Duration = Duration::from_secs(2);
/// Pause after a cursor could not be read.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);

/// What readers of streams share.
#[derive(Clone, Debug)]
pub struct Inflow {
    /// The streams.
    pub streams: Arc<EventStreams>,
    /// Where records are kept.
    pub store: Store,
    /// Wakes a worker when something was kept.
    pub kick: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who reads.
    pub office: Office,
}

/// Reads one stream while the office is held, for ever.
pub async fn read(inflow: Inflow, stream: Stream) {
    loop {
        inflow.office.held().await;
        let cursor = match inflow.store.cursor(&cursor_name(stream)).await {
            Ok(cursor) => cursor.and_then(|position| position.parse::<EventId>().ok()),
            Err(error) => {
                tracing::warn!(%stream, error = with_causes(&error), "the cursor of a stream cannot be read");
                tokio::time::sleep(FAILURE_PAUSE).await;
                continue;
            }
        };
        let sink = |batch: Batch| keep(inflow.clone(), batch);
        tokio::select! {
            () = inflow.office.lost() => tracing::info!(%stream, "another process reads the stream"),
            never = inflow.streams.consume(stream, cursor, sink) => match never {},
        }
    }
}

fn cursor_name(stream: Stream) -> String {
    format!("alpaca/{stream}")
}

/// Keeps a batch: the cursor goes with the last record, which is handed over when all others are durable.
async fn keep(inflow: Inflow, batch: Batch) -> Result<(), SinkError> {
    let Batch { stream, records, cursor } = batch;
    let mut deliveries: Vec<Delivery> =
        records.into_iter().filter_map(|record| delivery(&inflow, stream, record)).collect();
    let Some(last) = deliveries.pop() else { return Ok(()) };
    let mut keeping = JoinSet::new();
    for delivery in deliveries {
        let store = inflow.store.clone();
        keeping.spawn(async move { store.receive(&delivery, Clock::System.now()).await });
    }
    while let Some(kept) = keeping.join_next().await {
        count(&inflow, kept.map_err(SinkError::new)?)?;
    }
    let cursor = Cursor { stream: cursor_name(stream), position: cursor.to_string() };
    count(&inflow, inflow.store.receive_from_stream(&last, cursor, Clock::System.now()).await)?;
    inflow.kick.notify_one();
    Ok(())
}

/// The record as a delivery; one that is no event is left out, and said.
fn delivery(inflow: &Inflow, stream: Stream, record: Record) -> Option<Delivery> {
    let counters = inflow.metrics.deliveries.of(Provider::Alpaca);
    counters.received.inc();
    match webhooks::alpaca::of_stream(kind(stream), &record.id.to_string(), record.data) {
        Ok(delivery) => {
            counters.verified.inc();
            Some(delivery)
        }
        Err(rejection) => {
            if let Some(counter) = counters.rejected(rejection.reason()) {
                counter.inc();
            }
            tracing::error!(%stream, id = %record.id, %rejection, "a record of a stream is no event and is left out");
            None
        }
    }
}

fn kind(stream: Stream) -> Kind {
    match stream {
        Stream::Trades => Kind::Trade,
        Stream::AccountStatus => Kind::Account,
        Stream::Journals => Kind::Journal,
        Stream::Funding => Kind::Transfer,
        Stream::Activities => Kind::Activity,
    }
}

fn count(inflow: &Inflow, kept: Result<Receipt, ReceiveError>) -> Result<(), SinkError> {
    let counters = inflow.metrics.deliveries.of(Provider::Alpaca);
    match kept {
        Ok(Receipt::Stored(_)) => counters.stored.inc(),
        Ok(Receipt::Duplicate(_)) => counters.duplicate.inc(),
        Err(error) => {
            counters.unavailable.inc();
            return Err(SinkError::new(error));
        }
    }
    Ok(())
}

/// Notes how the streams stand, for ever.
pub async fn watch(inflow: Inflow, read: Vec<Stream>, board: Arc<Board>, heart: Heart) {
    loop {
        heart.beat();
        let mut is_connected = true;
        for stream in &read {
            let status = inflow.streams.status(*stream);
            is_connected &= status.is_connected;
            inflow.metrics.streams.note(stream.as_str(), &status);
        }
        if inflow.office.is_held() {
            let outcome = if is_connected { Outcome::Ok } else { Outcome::Down };
            board.alpaca().note(Reading { outcome, checked_at: Some(Instant::now()), latency: None });
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}
