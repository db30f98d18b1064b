//! A fake broker, our client of it, an inbox, and the consumers in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use alpaca::{Config, EventStreams, KeySource, StatusReading, Stream};
use tests::Server;
use tests::alpaca::{FakeAlpaca, Feed, KEY_ID, KEY_SECRET};
use tests::database::Database;
use tests::events::ulid;
use tokio::task::JoinHandle;

use crate::inbox::Inbox;

/// 2026-01-05T14:30:00Z, in milliseconds since 1970.
pub(crate) const NOON_MS: i64 = 1_767_623_400_000;
/// Longest wait for what must come, on a machine that has much else to do.
const WAIT: Duration = Duration::from_secs(90);

pub(crate) struct Stage {
    pub(crate) broker: FakeAlpaca,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) streams: Arc<EventStreams>,
    pub(crate) now_ms: Arc<AtomicI64>,
}

/// A consumer; it is killed when it is dropped.
pub(crate) struct Consumer(JoinHandle<()>);

impl Drop for Consumer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Short pauses, and waits so long that a slow machine is not taken for a broker that fails: a test that wants to see one
/// of them run out shortens it.
pub(crate) fn quick(broker: &FakeAlpaca) -> Config {
    Config {
        base_url: broker.base_url(),
        connect_timeout: Duration::from_secs(30),
        answer_timeout: Duration::from_secs(30),
        silence_max: Duration::from_secs(30),
        sink_timeout: Duration::from_secs(30),
        pause_first: Duration::from_millis(10),
        pause_max: Duration::from_millis(40),
        ..Config::default()
    }
}

pub(crate) fn key() -> KeySource {
    Arc::new(|| alpaca::basic(KEY_ID, KEY_SECRET))
}

impl Stage {
    /// With the times of [`quick`].
    pub(crate) fn new() -> Self {
        Self::with(|config| config)
    }

    pub(crate) fn with(change: impl FnOnce(Config) -> Config) -> Self {
        Self::with_key(change, key())
    }

    pub(crate) fn with_key(change: impl FnOnce(Config) -> Config, key: KeySource) -> Self {
        let broker = FakeAlpaca::start();
        let now_ms = Arc::new(AtomicI64::new(NOON_MS));
        let streams = streams_of(change(quick(&broker)), key, &now_ms);
        Self { broker, inbox: Arc::default(), streams, now_ms }
    }

    /// Other streams of the same broker.
    pub(crate) fn streams_with(&self, change: impl FnOnce(Config) -> Config) -> Arc<EventStreams> {
        streams_of(change(quick(&self.broker)), key(), &self.now_ms)
    }

    /// Starts to read a stream from the cursor that is kept.
    pub(crate) fn consume(&self, stream: Stream) -> Consumer {
        self.consume_by(&self.streams, stream)
    }

    pub(crate) fn consume_by(&self, streams: &Arc<EventStreams>, stream: Stream) -> Consumer {
        let (streams, inbox) = (Arc::clone(streams), Arc::clone(&self.inbox));
        Consumer(tokio::spawn(async move {
            let cursor = inbox.cursor(stream);
            let sink = |batch| Arc::clone(&inbox).keep(batch);
            match streams.consume(stream, cursor, sink).await {}
        }))
    }

    /// A trade event of this moment and name; gives its id.
    pub(crate) fn publish_trade(&self, at_ms: i64, name: &str) -> String {
        let (id, json) = trade(at_ms, name);
        self.broker.publish(Feed::Trades, &id, &json);
        id
    }

    pub(crate) fn status(&self) -> StatusReading {
        self.streams.status(Stream::Trades)
    }

    /// Waits until these trades, and no others, were kept, in this order.
    pub(crate) async fn kept(&self, ids: &[String]) {
        until("the trades are kept", || self.inbox.arrivals(Stream::Trades).len() >= ids.len()).await;
        assert_eq!(self.inbox.arrivals(Stream::Trades), ids);
    }

    /// Waits until a connection has ended for this reason.
    pub(crate) async fn ended(&self, reason: &str) {
        until(reason, || self.status().ended(reason) > 0).await;
    }
}

fn streams_of(config: Config, key: KeySource, now_ms: &Arc<AtomicI64>) -> Arc<EventStreams> {
    let clock = Arc::clone(now_ms);
    Arc::new(EventStreams::new(config, key, Arc::new(move || clock.load(Relaxed))).unwrap())
}

/// The id and the JSON of a trade event of this moment and name.
pub(crate) fn trade(at_ms: i64, name: &str) -> (String, String) {
    let id = ulid(jiff::Timestamp::from_millisecond(at_ms).unwrap(), name);
    let json = format!(r#"{{"event":"new","event_id":"{id}","order":{{"id":"{name}"}}}}"#);
    (id, json)
}

pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < WAIT, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until everything that a server has kept has had its effect.
pub(crate) fn settle(server: &Server, database: &Database) {
    let left = "SELECT COUNT(*) FROM webhook_work WHERE state IN ('pending', 'leased')";
    server.until("nothing is left to do", |_| database.number(left) == 0);
}
