//! Resuming a stream: minutes before its last durable record, because ids are ordered only within an account.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use alpaca::{Config, EventId, Stream};
use tests::alpaca::{Behaviour, Fault, Feed, Script};

use crate::fixture::{Fixture, NOON_MS, until};

const MINUTE_MS: i64 = 60_000;

/// The times from which requests resumed, relative to noon.
fn resumed_from_ms(fixture: &Fixture) -> Vec<i64> {
    let moment = |id: Option<String>| id.unwrap().parse::<EventId>().unwrap().unix_ms() - NOON_MS;
    fixture.broker.since_ids(Feed::Trades).into_iter().map(moment).collect()
}

#[tokio::test]
async fn a_stream_without_a_cursor_begins_a_day_ago() {
    let fixture = Fixture::new();
    fixture.publish_trade(NOON_MS - 25 * 60 * MINUTE_MS, "older");
    let younger = fixture.publish_trade(NOON_MS - 23 * 60 * MINUTE_MS, "younger");
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(&[younger]).await;
    assert_eq!(resumed_from_ms(&fixture), [-24 * 60 * MINUTE_MS - 5 * MINUTE_MS]);
}

#[tokio::test]
async fn each_stream_is_resumed_by_its_own_parameter() {
    let fixture = Fixture::new();
    // The fake rejects any other parameter with 400.
    let consumers: Vec<_> = Stream::ALL.into_iter().map(|stream| fixture.consume(stream)).collect();
    until("all are connected", || {
        Stream::ALL.iter().all(|stream| fixture.streams.status(*stream).is_connected)
    })
    .await;
    drop(consumers);
    assert!(Feed::ALL.iter().all(|feed| fixture.broker.requests(*feed) == 1));
}

/// Whether an event of another account is stored whose id is two minutes before the newest and which is published while we
/// are disconnected.
async fn stores_a_late_event(margin: Duration) -> bool {
    let fixture = Fixture::with(|config| Config { margin, ..config });
    let newest = fixture.publish_trade(NOON_MS, "newest");
    let consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(std::slice::from_ref(&newest)).await;
    drop(consumer);
    until("the consumer has disconnected", || fixture.broker.open_connections(Feed::Trades) == 0).await;
    let late = fixture.publish_trade(NOON_MS - 2 * MINUTE_MS, "late");
    let _consumer = fixture.consume(Stream::Trades);
    until("it is connected again", || fixture.broker.open_connections(Feed::Trades) == 1).await;
    let after = fixture.publish_trade(NOON_MS + 1, "after");
    until("the next is stored", || fixture.inbox.arrivals(Stream::Trades).contains(&after)).await;
    fixture.inbox.arrivals(Stream::Trades).contains(&late)
}

#[tokio::test]
async fn an_event_with_an_earlier_id_is_not_missed() {
    assert!(stores_a_late_event(Config::default().margin).await);
    // Without a margin it is missed, so the check above can fail.
    assert!(!stores_a_late_event(Duration::ZERO).await);
}

#[tokio::test]
async fn the_cursor_follows_durable_records_and_never_goes_back() {
    let fixture = Fixture::new();
    fixture.publish_trade(NOON_MS, "first");
    fixture.publish_trade(NOON_MS - 10 * MINUTE_MS, "earlier");
    fixture.broker.next(Feed::Trades, [Behaviour::Stream(Script::default().after(2, Fault::Close))]);
    let _consumer = fixture.consume(Stream::Trades);
    until("it is resumed", || fixture.broker.requests(Feed::Trades) == 2).await;
    assert_eq!(fixture.inbox.cursor(Stream::Trades).unwrap().unix_ms(), NOON_MS);
    assert_eq!(resumed_from_ms(&fixture)[1], -5 * MINUTE_MS);
    assert_eq!(fixture.status().cursor_unix_ms, Some(NOON_MS));
}

#[tokio::test]
async fn an_id_from_the_future_is_stored_and_skips_nothing() {
    let fixture = Fixture::new();
    let far = fixture.publish_trade(NOON_MS + 365 * 24 * 60 * MINUTE_MS, "a year ahead");
    let consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(std::slice::from_ref(&far)).await;
    drop(consumer);
    until("the consumer has disconnected", || fixture.broker.open_connections(Feed::Trades) == 0).await;
    let next = fixture.publish_trade(NOON_MS + 1, "next");
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(&[far, next]).await;
}

#[tokio::test]
async fn a_silent_loss_is_filled_by_the_next_scheduled_reconnect() {
    let fixture = Fixture::with(|config| Config { connection_age_max: Duration::from_secs(2), ..config });
    fixture
        .broker
        .next(Feed::Trades, [Behaviour::Stream(Script::default().after(1, Fault::DropSilently(2)))]);
    let mut ids: Vec<_> =
        (0..4).map(|at| fixture.publish_trade(NOON_MS + at * MINUTE_MS, &at.to_string())).collect();
    fixture.now_ms.store(NOON_MS + 60 * MINUTE_MS, Relaxed);
    ids.push(fixture.publish_trade(NOON_MS + 59 * MINUTE_MS, "an hour later"));
    let _consumer = fixture.consume(Stream::Trades);
    until("two are dropped", || fixture.broker.events_dropped(Feed::Trades) == 2).await;
    fixture.wait_until_disconnected("scheduled_reconnect").await;
    until("all are stored", || fixture.inbox.count() == ids.len()).await;
    let mut arrived = fixture.inbox.arrivals(Stream::Trades);
    arrived.sort_unstable();
    ids.sort_unstable();
    assert_eq!(arrived, ids);
    assert_eq!(fixture.status().gaps(), 0, "no gap was reported");
}

#[tokio::test]
async fn ids_of_one_millisecond_are_all_stored() {
    let fixture = Fixture::new();
    fixture.broker.next(Feed::Trades, [Behaviour::Stream(Script::default().after(20, Fault::Cut))]);
    let mut ids: Vec<_> = (0..50).map(|at| fixture.publish_trade(NOON_MS, &at.to_string())).collect();
    ids.sort_unstable();
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(&ids).await;
}
