//! An hour of all five streams in twenty seconds: the broker drops, repeats, cuts, fails and refuses, consumers are
//! killed and started again, the inbox is down now and then. In the end everything is kept once, in each account's order.

mod events;
pub(crate) mod weather;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use alpaca::{Config, Stream};
use tests::alpaca::Feed;

use crate::chance::Chance;
use crate::stage::{NOON_MS, Stage, until};
pub(crate) use events::{Planned, plan};

/// Milliseconds of the hour in a millisecond of ours.
const SPEED: u64 = 180;
/// Events of all five streams.
const EVENTS: usize = 12_000;
/// Changing it changes every event and every misfortune.
const SEED: u64 = 20_260_105;

const FEEDS: [(Feed, Stream); 5] = [
    (Feed::Trades, Stream::Trades),
    (Feed::AccountStatus, Stream::AccountStatus),
    (Feed::Journals, Stream::Journals),
    (Feed::Funding, Stream::Funding),
    (Feed::Activities, Stream::Activities),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_misfortune_ends_without_a_gap_and_without_a_double() {
    let stage = Stage::with(|config| Config {
        answer_timeout: Duration::from_millis(500),
        silence_max: Duration::from_millis(500),
        sink_timeout: Duration::from_millis(500),
        connection_age_max: Duration::from_millis(800),
        ..config
    });
    let mut chance = Chance::seeded(SEED);
    let planned = plan(&mut chance, EVENTS, NOON_MS);
    for (feed, _) in FEEDS {
        stage.broker.next(feed, weather::one_of_each(&mut chance));
        stage.broker.next(feed, (0..400).map(|_| weather::connection(&mut chance, EVENTS / 8)));
    }
    let is_over = AtomicBool::new(false);
    let publishing = async {
        publish(&stage, &planned).await;
        is_over.store(true, Relaxed);
    };
    let ((), kills, ()) = tokio::join!(
        publishing,
        kill_and_restart(&stage, chance.clone(), &is_over),
        take_the_inbox_down(&stage, &is_over)
    );
    // What is left is read in good weather, by connections that last as long as it takes.
    stage.broker.behave();
    let patient = stage.streams_with(|config| config);
    let _consumers = Stream::ALL.map(|stream| stage.consume_by(&patient, stream));
    until("every event is kept", || stage.inbox.count() >= planned.len()).await;

    for (feed, stream) in FEEDS {
        let published = planned.iter().filter(|event| event.feed == feed).collect::<Vec<_>>();
        is_kept_once(&stage, stream, &published);
        is_in_each_accounts_order(&stage, stream, &published);
    }
    went_as_badly_as_meant(&stage, kills);
}

/// At the pace of the hour.
async fn publish(stage: &Stage, planned: &[Planned]) {
    let begun = Instant::now();
    let hour_begins = planned[0].published_ms;
    for event in planned {
        let due = Duration::from_millis(event.published_ms.abs_diff(hour_begins) / SPEED);
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        stage.now_ms.store(event.published_ms, Relaxed);
        stage.broker.publish(event.feed, &event.id, &event.json);
    }
}

/// Kills one consumer after the other at moments of chance, and starts it again from the cursor that is kept.
async fn kill_and_restart(stage: &Stage, mut chance: Chance, is_over: &AtomicBool) -> usize {
    let mut consumers: Vec<_> = Stream::ALL.into_iter().map(|stream| Some(stage.consume(stream))).collect();
    let mut kills = 0;
    while !is_over.load(Relaxed) {
        tokio::time::sleep(Duration::from_millis(20 + chance.below(300))).await;
        let place = chance.small(consumers.len());
        consumers[place] = None;
        kills += 1;
        tokio::time::sleep(Duration::from_millis(chance.below(50))).await;
        consumers[place] = Some(stage.consume(Stream::ALL[place]));
    }
    kills
}

async fn take_the_inbox_down(stage: &Stage, is_over: &AtomicBool) {
    let mut outages = [&stage.inbox.is_down, &stage.inbox.is_stuck].into_iter().cycle();
    while !is_over.load(Relaxed) {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let Some(outage) = outages.next() else { return };
        outage.store(true, Relaxed);
        tokio::time::sleep(Duration::from_millis(150)).await;
        outage.store(false, Relaxed);
    }
}

fn is_kept_once(stage: &Stage, stream: Stream, published: &[&Planned]) {
    let mut kept = stage.inbox.arrivals(stream);
    kept.sort_unstable();
    let mut ids: Vec<&str> = published.iter().map(|event| event.id.as_str()).collect();
    ids.sort_unstable();
    assert!(ids.len() >= 1_000, "{stream} was worth the while");
    assert_eq!(kept, ids, "{stream}: neither a gap nor a double nor a stranger");
    for event in published {
        let told: serde_json::Value = serde_json::from_str(&event.json).unwrap();
        let data: serde_json::Value = serde_json::from_str(&stage.inbox.data(stream, &event.id)).unwrap();
        assert_eq!(data, told, "{stream}: as it was told");
    }
}

/// What the broker promises, and what a gap would break: the events of one account arrive in their order.
fn is_in_each_accounts_order(stage: &Stage, stream: Stream, published: &[&Planned]) {
    let accounts: BTreeMap<&str, usize> =
        published.iter().map(|event| (event.id.as_str(), event.account)).collect();
    let mut last: BTreeMap<usize, String> = BTreeMap::new();
    for id in stage.inbox.arrivals(stream) {
        let account = accounts[id.as_str()];
        let before = last.insert(account, id.clone());
        assert!(before.is_none_or(|before| before < id), "{stream}: account {account} at {id}");
    }
}

/// That nothing is missing says something only when something went wrong.
fn went_as_badly_as_meant(stage: &Stage, kills: usize) {
    let ended = |reason: &str| {
        Stream::ALL.iter().map(|stream| stage.streams.status(*stream).ended(reason)).sum::<u64>()
    };
    for reason in ["closed", "broken", "dropped", "server_error", "silent", "not_kept", "renewed"] {
        assert!(ended(reason) > 0, "{reason} happened");
    }
    for reason in ["key_refused", "forbidden", "limited", "status", "redirected", "not_a_stream", "no_answer"]
    {
        assert!(ended(reason) > 0, "{reason} happened");
    }
    let left_out: usize = Feed::ALL.iter().map(|feed| stage.broker.left_out(*feed)).sum();
    assert!(left_out > 0, "the broker left events out");
    assert!(kills > 50, "{kills} consumers were killed");
    assert!(stage.inbox.repeats() > 1_000, "{} records came again", stage.inbox.repeats());
    let connections: usize = Feed::ALL.iter().map(|feed| stage.broker.connections(*feed)).sum();
    assert!(connections > 100, "{connections} connections");
}
