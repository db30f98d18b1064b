//! A fake broker, our client, an inbox, and the consumers in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use alpaca::{Config, EventStreams, KeySource, StatusSnapshot, Stream};
use tests::Server;
use tests::alpaca::{FakeAlpaca, Feed, KEY_ID, KEY_SECRET};
use tests::database::Database;
use tests::events::ulid;
use tokio::task::JoinHandle;

use crate::inbox::Inbox;

/// 2026-01-05T14:30:00Z, in milliseconds since 1970.
pub(crate) const NOON_MS: i64 = 1_767_623_400_000;
/// For what must happen, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(90);

pub(crate) struct Fixture {
    pub(crate) broker: FakeAlpaca,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) streams: Arc<EventStreams>,
    pub(crate) now_ms: Arc<AtomicI64>,
}

/// Killed when dropped.
pub(crate) struct Consumer(JoinHandle<()>);

impl Drop for Consumer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Short pauses, and timeouts so long that a slow machine is no failure; a test of a timeout shortens it.
pub(crate) fn config(broker: &FakeAlpaca) -> Config {
    Config {
        base_url: broker.base_url().parse().unwrap(),
        connect_timeout: Duration::from_secs(30),
        response_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(30),
        sink_timeout: Duration::from_secs(30),
        backoff_first: Duration::from_millis(10),
        backoff_max: Duration::from_millis(40),
        ..Config::default()
    }
}

pub(crate) fn key() -> KeySource {
    Arc::new(|| alpaca::basic(KEY_ID, KEY_SECRET))
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|config| config)
    }

    pub(crate) fn with(change: impl FnOnce(Config) -> Config) -> Self {
        Self::with_key(change, key())
    }

    pub(crate) fn with_key(change: impl FnOnce(Config) -> Config, key: KeySource) -> Self {
        let broker = FakeAlpaca::start();
        let now_ms = Arc::new(AtomicI64::new(NOON_MS));
        let streams = connect(change(config(&broker)), key, &now_ms);
        Self { broker, inbox: Arc::default(), streams, now_ms }
    }

    /// Another client of the same broker.
    pub(crate) fn streams_with(&self, change: impl FnOnce(Config) -> Config) -> Arc<EventStreams> {
        connect(change(config(&self.broker)), key(), &self.now_ms)
    }

    /// Consumes a stream from the stored cursor on.
    pub(crate) fn consume(&self, stream: Stream) -> Consumer {
        self.consume_by(&self.streams, stream)
    }

    pub(crate) fn consume_by(&self, streams: &Arc<EventStreams>, stream: Stream) -> Consumer {
        let (streams, inbox) = (Arc::clone(streams), Arc::clone(&self.inbox));
        Consumer(tokio::spawn(async move {
            let cursor = inbox.cursor(stream);
            let sink = |batch| Arc::clone(&inbox).store(batch);
            match streams.consume(stream, cursor, sink).await {}
        }))
    }

    /// Publishes a trade event and returns its id.
    pub(crate) fn publish_trade(&self, at_ms: i64, name: &str) -> String {
        let (id, json) = trade(at_ms, name);
        self.broker.publish(Feed::Trades, &id, &json);
        id
    }

    pub(crate) fn status(&self) -> StatusSnapshot {
        self.streams.status(Stream::Trades)
    }

    /// Waits until these trades, and no others, are stored in this order.
    pub(crate) async fn wait_until_stored(&self, ids: &[String]) {
        until("the trades are stored", || self.inbox.arrivals(Stream::Trades).len() >= ids.len()).await;
        assert_eq!(self.inbox.arrivals(Stream::Trades), ids);
    }

    /// Waits until a connection has ended for this reason.
    pub(crate) async fn wait_until_disconnected(&self, reason: &str) {
        until(reason, || self.status().disconnects(reason) > 0).await;
    }
}

fn connect(config: Config, key: KeySource, now_ms: &Arc<AtomicI64>) -> Arc<EventStreams> {
    let clock = Arc::clone(now_ms);
    Arc::new(EventStreams::new(config, key, Arc::new(move || clock.load(Relaxed))).unwrap())
}

/// The id and the JSON of a trade event.
pub(crate) fn trade(at_ms: i64, name: &str) -> (String, String) {
    let id = ulid(jiff::Timestamp::from_millisecond(at_ms).unwrap(), name);
    let json = format!(r#"{{"event":"new","event_id":"{id}","order":{{"id":"{name}"}}}}"#);
    (id, json)
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < TIMEOUT, "not within {TIMEOUT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until no job is left.
pub(crate) fn wait_until_applied(server: &Server, database: &Database) {
    let left = "SELECT COUNT(*) FROM webhook_jobs WHERE state IN ('pending', 'leased')";
    server.wait_until("no job is left", |_| database.integer(left) == 0);
}
