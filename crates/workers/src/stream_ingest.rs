//! Stores the records of the broker's event streams. Webhook deliveries of the same events are duplicates.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alpaca::{Batch, EventId, EventStreams, Record, SinkError, Stream};
use domain::Provider;
use store::{Cursor, Receipt, ReceiveError, Store};
use telemetry::metrics::Metrics;
use telemetry::{Clock, with_causes};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use webhooks::Delivery;
use webhooks::alpaca::Kind;

use crate::health::{CheckResult, HealthRegistry, Outcome};
use crate::leader_lease::LeaderLease;
use crate::registry::Heartbeat;

/// Time between two checks of the streams.
const CHECK_PERIOD: Duration = Duration::from_secs(2);
/// Pause after reading a cursor failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);

/// What the workers of all streams share.
#[derive(Clone, Debug)]
pub struct StreamIngest {
    /// The streams.
    pub streams: Arc<EventStreams>,
    /// Where records and cursors are stored.
    pub store: Store,
    /// Notified when an event was stored.
    pub work_available: Arc<Notify>,
    /// Counts records as deliveries.
    pub metrics: Arc<Metrics>,
    /// Streams are read while this lease is held.
    pub lease: LeaderLease,
    /// The wall clock.
    pub clock: Clock,
}

/// Stores the records of one stream while the lease is held; never returns.
pub async fn run(ingest: StreamIngest, stream: Stream) {
    loop {
        ingest.lease.acquired().await;
        let cursor = match ingest.store.cursor(&cursor_name(stream)).await {
            Ok(cursor) => cursor.and_then(|position| position.parse::<EventId>().ok()),
            Err(error) => {
                tracing::warn!(%stream, error = with_causes(&error), "reading the stream cursor failed");
                tokio::time::sleep(FAILURE_PAUSE).await;
                continue;
            }
        };
        let sink = |batch: Batch| store_batch(ingest.clone(), batch);
        tokio::select! {
            () = ingest.lease.lost() => tracing::info!(%stream, "stream closed: leader lease lost"),
            never = ingest.streams.consume(stream, cursor, sink) => match never {},
        }
    }
}

fn cursor_name(stream: Stream) -> String {
    format!("alpaca/{stream}")
}

/// Stores a batch. The cursor is stored with the last record, after all others are durable.
async fn store_batch(ingest: StreamIngest, batch: Batch) -> Result<(), SinkError> {
    let Batch { stream, records, cursor } = batch;
    let mut deliveries: Vec<Delivery> =
        records.into_iter().filter_map(|record| delivery(&ingest, stream, record)).collect();
    let Some(last) = deliveries.pop() else { return Ok(()) };
    let mut writes = JoinSet::new();
    for delivery in deliveries {
        let (store, clock) = (ingest.store.clone(), ingest.clock);
        writes.spawn(async move { store.receive(&delivery, clock.now()).await });
    }
    while let Some(receipt) = writes.join_next().await {
        count(&ingest, receipt.map_err(SinkError::new)?)?;
    }
    let cursor = Cursor { stream: cursor_name(stream), position: cursor.to_string() };
    count(&ingest, ingest.store.receive_from_stream(&last, cursor, ingest.clock.now()).await)?;
    ingest.work_available.notify_one();
    Ok(())
}

/// The record as a delivery. An invalid record is logged and skipped.
fn delivery(ingest: &StreamIngest, stream: Stream, record: Record) -> Option<Delivery> {
    let counters = ingest.metrics.deliveries.provider(Provider::Alpaca.as_str());
    counters.received.inc();
    match webhooks::alpaca::from_stream(kind(stream), &record.id.to_string(), record.data) {
        Ok(delivery) => {
            counters.verified.inc();
            Some(delivery)
        }
        Err(rejection) => {
            if let Some(counter) = counters.rejected(rejection.reason()) {
                counter.inc();
            }
            tracing::error!(%stream, id = %record.id, %rejection, "stream record skipped: not a valid event");
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

fn count(ingest: &StreamIngest, receipt: Result<Receipt, ReceiveError>) -> Result<(), SinkError> {
    let counters = ingest.metrics.deliveries.provider(Provider::Alpaca.as_str());
    match receipt {
        Ok(Receipt::Stored(_)) => counters.stored.inc(),
        Ok(Receipt::Duplicate(_)) => counters.duplicate.inc(),
        Ok(Receipt::Conflict(event)) => {
            counters.conflict.inc();
            tracing::error!(%event, "an event with this id and other content was received before");
        }
        Err(error) => {
            counters.unavailable.inc();
            return Err(SinkError::new(error));
        }
    }
    Ok(())
}

/// Checks whether the streams are connected; never returns.
pub async fn watch(
    ingest: StreamIngest,
    streams: Vec<Stream>,
    health: Arc<HealthRegistry>,
    heartbeat: Heartbeat,
) {
    loop {
        heartbeat.beat();
        let is_connected = || streams.iter().all(|stream| ingest.streams.status(*stream).is_connected);
        let outcome = match ingest.lease.is_held() {
            true if is_connected() => Outcome::Ok,
            true => Outcome::Down,
            // Another replica reads the streams, and says so: what this one found earlier is no longer true.
            false => Outcome::NotConfigured,
        };
        health.alpaca().record(CheckResult { outcome, checked_at: Some(Instant::now()), latency: None });
        tokio::time::sleep(CHECK_PERIOD).await;
    }
}
