//! An hour of all five streams in twenty seconds: the broker drops and repeats events, fails and rejects, consumers are
//! killed and restarted, the inbox has outages. At the end every event is stored once, in each account's order.

mod events;
pub(crate) mod faults;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use alpaca::{Config, Stream};
use tests::alpaca::Feed;

use crate::fixture::{Fixture, NOON_MS, until};
pub(crate) use events::{Planned, plan};
use tests::random::Random;

/// Milliseconds of the hour per millisecond of the test.
const SPEED: u64 = 180;
/// Of all five streams.
const EVENTS: usize = 12_000;
/// Determines every event and every fault.
const SEED: u64 = 20_260_105;

const FEEDS: [(Feed, Stream); 5] = [
    (Feed::Trades, Stream::Trades),
    (Feed::AccountStatus, Stream::AccountStatus),
    (Feed::Journals, Stream::Journals),
    (Feed::Funding, Stream::Funding),
    (Feed::Activities, Stream::Activities),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_faults_ends_without_a_gap_and_without_a_duplicate() {
    let fixture = Fixture::with(|config| Config {
        response_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_millis(500),
        sink_timeout: Duration::from_millis(500),
        connection_age_max: Duration::from_millis(800),
        ..config
    });
    let mut random = Random::from_seed(SEED);
    let planned = plan(&mut random, EVENTS, NOON_MS);
    for (feed, _) in FEEDS {
        fixture.broker.next(feed, faults::one_of_each(&mut random));
        fixture.broker.next(feed, (0..400).map(|_| faults::connection(&mut random, EVENTS / 8)));
    }
    let is_done = AtomicBool::new(false);
    let publishing = async {
        publish(&fixture, &planned).await;
        is_done.store(true, Relaxed);
    };
    let ((), kills, ()) = tokio::join!(
        publishing,
        kill_and_restart(&fixture, random.clone(), &is_done),
        interrupt_the_inbox(&fixture, &is_done)
    );
    // The rest is read without faults, by connections without an age limit.
    fixture.broker.clear_faults();
    let streams = fixture.streams_with(|config| config);
    let _consumers = Stream::ALL.map(|stream| fixture.consume_by(&streams, stream));
    until("every event is stored", || fixture.inbox.count() >= planned.len()).await;

    for (feed, stream) in FEEDS {
        let published = planned.iter().filter(|event| event.feed == feed).collect::<Vec<_>>();
        assert_stored_once(&fixture, stream, &published);
        assert_in_order_by_account(&fixture, stream, &published);
    }
    assert_faults_happened(&fixture, kills);
}

/// At the pace of the hour.
async fn publish(fixture: &Fixture, planned: &[Planned]) {
    let started = Instant::now();
    let first_ms = planned[0].published_ms;
    for event in planned {
        let due = Duration::from_millis(event.published_ms.abs_diff(first_ms) / SPEED);
        tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        fixture.now_ms.store(event.published_ms, Relaxed);
        fixture.broker.publish(event.feed, &event.id, &event.json);
    }
}

/// Kills consumers at random moments and restarts them from the stored cursor. Returns the number of kills.
async fn kill_and_restart(fixture: &Fixture, mut random: Random, is_done: &AtomicBool) -> usize {
    let mut consumers: Vec<_> = Stream::ALL.into_iter().map(|stream| Some(fixture.consume(stream))).collect();
    let mut kills = 0;
    while !is_done.load(Relaxed) {
        tokio::time::sleep(Duration::from_millis(20 + random.below(300))).await;
        let index = random.index(consumers.len());
        consumers[index] = None;
        kills += 1;
        tokio::time::sleep(Duration::from_millis(random.below(50))).await;
        consumers[index] = Some(fixture.consume(Stream::ALL[index]));
    }
    kills
}

async fn interrupt_the_inbox(fixture: &Fixture, is_done: &AtomicBool) {
    let mut outages = [&fixture.inbox.is_down, &fixture.inbox.is_stuck].into_iter().cycle();
    while !is_done.load(Relaxed) {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let Some(outage) = outages.next() else { return };
        outage.store(true, Relaxed);
        tokio::time::sleep(Duration::from_millis(150)).await;
        outage.store(false, Relaxed);
    }
}

fn assert_stored_once(fixture: &Fixture, stream: Stream, published: &[&Planned]) {
    let mut stored = fixture.inbox.arrivals(stream);
    stored.sort_unstable();
    let mut ids: Vec<&str> = published.iter().map(|event| event.id.as_str()).collect();
    ids.sort_unstable();
    assert!(ids.len() >= 1_000, "{stream} has enough events");
    assert_eq!(stored, ids, "{stream}: no gap, no duplicate, no unknown event");
    for event in published {
        let published: serde_json::Value = serde_json::from_str(&event.json).unwrap();
        let data: serde_json::Value = serde_json::from_str(&fixture.inbox.data(stream, &event.id)).unwrap();
        assert_eq!(data, published, "{stream}: unchanged");
    }
}

/// The broker guarantees the order of one account's events, and a gap would break it.
fn assert_in_order_by_account(fixture: &Fixture, stream: Stream, published: &[&Planned]) {
    let accounts: BTreeMap<&str, usize> =
        published.iter().map(|event| (event.id.as_str(), event.account)).collect();
    let mut last: BTreeMap<usize, String> = BTreeMap::new();
    for id in fixture.inbox.arrivals(stream) {
        let account = accounts[id.as_str()];
        let before = last.insert(account, id.clone());
        assert!(before.is_none_or(|before| before < id), "{stream}: account {account} at {id}");
    }
}

/// The test proves something only if faults happened.
fn assert_faults_happened(fixture: &Fixture, kills: usize) {
    let ended = |reason: &str| {
        Stream::ALL.iter().map(|stream| fixture.streams.status(*stream).disconnects(reason)).sum::<u64>()
    };
    for reason in [
        "closed",
        "connection_lost",
        "records_dropped",
        "server_error",
        "idle_timeout",
        "sink_failed",
        "scheduled_reconnect",
    ] {
        assert!(ended(reason) > 0, "{reason} happened");
    }
    for reason in [
        "key_refused",
        "forbidden",
        "rate_limited",
        "status",
        "redirect",
        "not_event_stream",
        "response_timeout",
    ] {
        assert!(ended(reason) > 0, "{reason} happened");
    }
    let dropped: usize = Feed::ALL.iter().map(|feed| fixture.broker.events_dropped(*feed)).sum();
    assert!(dropped > 0, "the broker dropped events");
    assert!(kills > 50, "{kills} consumers were killed");
    assert!(fixture.inbox.repeats() > 1_000, "{} records were repeated", fixture.inbox.repeats());
    let connections: usize = Feed::ALL.iter().map(|feed| fixture.broker.requests(*feed)).sum();
    assert!(connections > 100, "{connections} connections");
}
