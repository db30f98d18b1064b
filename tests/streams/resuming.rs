//! Where a stream is resumed: minutes before its last durable record, since ids are in order for each account alone.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use alpaca::{Config, EventId, Stream};
use tests::alpaca::{Behaviour, Feed, Mishap, Play};

use crate::stage::{NOON_MS, Stage, until};

const MINUTE_MS: i64 = 60_000;

/// The moments that the requests so far asked to begin at, seen from noon.
fn asked_ms(stage: &Stage) -> Vec<i64> {
    let moment = |id: Option<String>| id.unwrap().parse::<EventId>().unwrap().unix_ms() - NOON_MS;
    stage.broker.asked(Feed::Trades).into_iter().map(moment).collect()
}

#[tokio::test]
async fn a_stream_without_a_cursor_begins_a_day_ago() {
    let stage = Stage::new();
    stage.publish_trade(NOON_MS - 25 * 60 * MINUTE_MS, "older");
    let younger = stage.publish_trade(NOON_MS - 23 * 60 * MINUTE_MS, "younger");
    let _consumer = stage.consume(Stream::Trades);
    stage.kept(&[younger]).await;
    assert_eq!(asked_ms(&stage), [-24 * 60 * MINUTE_MS - 5 * MINUTE_MS]);
}

#[tokio::test]
async fn each_stream_is_resumed_by_the_parameter_of_its_own() {
    let stage = Stage::new();
    // The fake refuses any other parameter with 400.
    let consumers: Vec<_> = Stream::ALL.into_iter().map(|stream| stage.consume(stream)).collect();
    until("all are connected", || {
        Stream::ALL.iter().all(|stream| stage.streams.status(*stream).is_connected)
    })
    .await;
    drop(consumers);
    assert!(Feed::ALL.iter().all(|feed| stage.broker.connections(*feed) == 1));
}

/// An event of another account gets an id two minutes before the newest while we are away. Whether it is kept.
async fn keeps_a_late_event(margin: Duration) -> bool {
    let stage = Stage::with(|config| Config { margin, ..config });
    let newest = stage.publish_trade(NOON_MS, "newest");
    let consumer = stage.consume(Stream::Trades);
    stage.kept(std::slice::from_ref(&newest)).await;
    drop(consumer);
    until("the consumer is gone", || stage.broker.open(Feed::Trades) == 0).await;
    let late = stage.publish_trade(NOON_MS - 2 * MINUTE_MS, "late");
    let _consumer = stage.consume(Stream::Trades);
    until("it is back", || stage.broker.open(Feed::Trades) == 1).await;
    let after = stage.publish_trade(NOON_MS + 1, "after");
    until("the next is kept", || stage.inbox.arrivals(Stream::Trades).contains(&after)).await;
    stage.inbox.arrivals(Stream::Trades).contains(&late)
}

#[tokio::test]
async fn an_event_with_an_earlier_id_is_not_missed() {
    assert!(keeps_a_late_event(Config::default().margin).await);
    // The twin: with no margin it is, so the check above can fail.
    assert!(!keeps_a_late_event(Duration::ZERO).await);
}

#[tokio::test]
async fn the_cursor_moves_with_what_is_durable_and_never_back() {
    let stage = Stage::new();
    stage.publish_trade(NOON_MS, "first");
    stage.publish_trade(NOON_MS - 10 * MINUTE_MS, "earlier");
    stage.broker.next(Feed::Trades, [Behaviour::Play(Play::well().then(2, Mishap::Close))]);
    let _consumer = stage.consume(Stream::Trades);
    until("it is resumed", || stage.broker.connections(Feed::Trades) == 2).await;
    assert_eq!(stage.inbox.cursor(Stream::Trades).unwrap().unix_ms(), NOON_MS);
    assert_eq!(asked_ms(&stage)[1], -5 * MINUTE_MS);
    assert_eq!(stage.status().cursor_unix_ms, Some(NOON_MS));
}

#[tokio::test]
async fn an_id_from_the_future_is_kept_and_skips_nothing() {
    let stage = Stage::new();
    let far = stage.publish_trade(NOON_MS + 365 * 24 * 60 * MINUTE_MS, "a year ahead");
    let consumer = stage.consume(Stream::Trades);
    stage.kept(std::slice::from_ref(&far)).await;
    drop(consumer);
    until("the consumer is gone", || stage.broker.open(Feed::Trades) == 0).await;
    let next = stage.publish_trade(NOON_MS + 1, "next");
    let _consumer = stage.consume(Stream::Trades);
    stage.kept(&[far, next]).await;
}

#[tokio::test]
async fn a_loss_that_the_broker_does_not_mention_is_made_good_when_the_connection_is_renewed() {
    let stage = Stage::with(|config| Config { connection_age_max: Duration::from_secs(2), ..config });
    stage.broker.next(Feed::Trades, [Behaviour::Play(Play::well().then(1, Mishap::DropSilently(2)))]);
    let mut ids: Vec<_> =
        (0..4).map(|at| stage.publish_trade(NOON_MS + at * MINUTE_MS, &at.to_string())).collect();
    stage.now_ms.store(NOON_MS + 60 * MINUTE_MS, Relaxed);
    ids.push(stage.publish_trade(NOON_MS + 59 * MINUTE_MS, "an hour later"));
    let _consumer = stage.consume(Stream::Trades);
    until("two are left out", || stage.broker.left_out(Feed::Trades) == 2).await;
    stage.ended("renewed").await;
    until("all are kept", || stage.inbox.count() == ids.len()).await;
    let mut arrived = stage.inbox.arrivals(Stream::Trades);
    arrived.sort_unstable();
    ids.sort_unstable();
    assert_eq!(arrived, ids);
    assert_eq!(stage.status().gaps(), 0, "nobody spoke of a gap");
}

#[tokio::test]
async fn ids_of_one_millisecond_are_all_kept() {
    let stage = Stage::new();
    stage.broker.next(Feed::Trades, [Behaviour::Play(Play::well().then(20, Mishap::Cut))]);
    let mut ids: Vec<_> = (0..50).map(|at| stage.publish_trade(NOON_MS, &at.to_string())).collect();
    ids.sort_unstable();
    let _consumer = stage.consume(Stream::Trades);
    stage.kept(&ids).await;
}
