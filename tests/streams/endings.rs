//! Each fault of a connection, one by one: later events are stored nevertheless, and nothing else.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use alpaca::{Config, Stream};
use tests::alpaca::{Behaviour, Fault, Feed, KEY_ID, KEY_SECRET, LineEnd, Script, Style};

use crate::fixture::{Consumer, Fixture, NOON_MS, trade, until};
use crate::inbox::Inbox;

/// A broker that sends nothing for so long is blocked by backpressure.
const STANDSTILL: Duration = Duration::from_secs(1);

/// The first connection behaves so; three trades before it and three after it are stored nevertheless.
async fn survives(behaviour: Behaviour, reason: &str) -> Fixture {
    survives_with(|config| config, behaviour, reason).await
}

async fn survives_with(change: fn(Config) -> Config, behaviour: Behaviour, reason: &str) -> Fixture {
    let fixture = Fixture::with(change);
    fixture.broker.next(Feed::Trades, [behaviour]);
    let mut ids: Vec<_> =
        (0..3).map(|at| fixture.publish_trade(NOON_MS + at, &format!("early {at}"))).collect();
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_disconnected(reason).await;
    ids.extend((3..6).map(|at| fixture.publish_trade(NOON_MS + at, &format!("late {at}"))));
    fixture.wait_until_stored(&ids).await;
    assert!(fixture.broker.requests(Feed::Trades) >= 2);
    fixture
}

fn after_one_event(fault: Fault) -> Behaviour {
    Behaviour::Stream(Script::default().after(1, fault))
}

#[tokio::test]
async fn a_closed_connection_is_opened_again() {
    survives(after_one_event(Fault::Close), "closed").await;
}

#[tokio::test]
async fn a_broken_connection_is_opened_again() {
    survives(after_one_event(Fault::Break), "connection_lost").await;
}

#[tokio::test]
async fn a_truncated_record_is_read_again() {
    survives(after_one_event(Fault::Cut), "connection_lost").await;
}

#[tokio::test]
async fn an_error_comment_of_the_broker_is_recognised() {
    survives(after_one_event(Fault::ServerError), "server_error").await;
}

#[tokio::test]
async fn a_gap_is_counted_and_filled() {
    let fixture = survives(after_one_event(Fault::Drop(2)), "records_dropped").await;
    assert_eq!((fixture.status().gaps(), fixture.status().messages_dropped), (1, 2));
    assert_eq!(fixture.broker.events_dropped(Feed::Trades), 2, "the broker dropped them");
}

#[tokio::test]
async fn silence_without_heartbeats_ends_a_connection() {
    let short_timeout = |config| Config { idle_timeout: Duration::from_millis(400), ..config };
    survives_with(short_timeout, after_one_event(Fault::Silence(Duration::from_secs(3600))), "idle_timeout")
        .await;
}

#[tokio::test]
async fn error_responses_are_distinct_and_retried() {
    for (status, reason) in [(401, "key_refused"), (403, "forbidden"), (500, "status"), (503, "status")] {
        survives(Behaviour::Status { status, retry_after_s: None }, reason).await;
    }
    survives(Behaviour::Status { status: 429, retry_after_s: Some(0) }, "rate_limited").await;
    survives(Behaviour::Html, "not_event_stream").await;
    let short_timeout = |config| Config { response_timeout: Duration::from_millis(500), ..config };
    survives_with(short_timeout, Behaviour::Hang, "response_timeout").await;
}

#[tokio::test]
async fn retry_after_is_respected() {
    let started = Instant::now();
    survives(Behaviour::Status { status: 429, retry_after_s: Some(1) }, "rate_limited").await;
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = tests::alpaca::FakeAlpaca::start();
    let location = format!("{}{}", elsewhere.base_url(), Feed::Trades.path());
    survives(Behaviour::Redirect(location), "redirect").await;
    assert_eq!(elsewhere.requests(Feed::Trades), 0);
}

#[tokio::test]
async fn repeated_events_are_recognised_by_their_id() {
    let fixture = Fixture::new();
    let script =
        Script::default().after(2, Fault::Repeat(2)).after(3, Fault::Repeat(1)).after(3, Fault::Heartbeat);
    fixture.broker.next(Feed::Trades, [Behaviour::Stream(script)]);
    let ids: Vec<_> = (0..4).map(|at| fixture.publish_trade(NOON_MS + at, &at.to_string())).collect();
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(&ids).await;
    assert_eq!(fixture.inbox.repeats(), 3);
}

#[tokio::test]
async fn every_style_of_framing_is_parsed_alike() {
    for line_end in [LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr] {
        for (is_multi_line, is_interrupted, piece_bytes) in
            [(false, false, None), (true, false, Some(1)), (true, true, Some(7)), (false, true, Some(64))]
        {
            let style =
                Style { line_end, is_multi_line, is_interrupted, piece_bytes, piece_wait: Duration::ZERO };
            let fixture = Fixture::new();
            fixture.broker.always(Feed::Trades, Behaviour::Stream(Script::default().with_style(style)));
            let ids: Vec<_> = (0..3).map(|at| fixture.publish_trade(NOON_MS + at, &at.to_string())).collect();
            let _consumer = fixture.consume(Stream::Trades);
            fixture.wait_until_stored(&ids).await;
            let data: serde_json::Value =
                serde_json::from_str(&fixture.inbox.data(Stream::Trades, &ids[1])).unwrap();
            assert_eq!(data["order"]["id"], "1", "{style:?}");
        }
    }
}

#[tokio::test]
async fn an_unreadable_record_is_counted_and_skipped() {
    let fixture = Fixture::new();
    let too_large = format!("data: {}\n\n", "x".repeat(10 * alpaca::RECORD_BYTES_MAX));
    let script = Script::default()
        .after(1, Fault::Bytes(too_large.into_bytes()))
        .after(1, Fault::Bytes(b"data: {\"event_id\":5}\n\n".to_vec()))
        .after(1, Fault::Bytes(b"data: \xff\xfe\n\n".to_vec()));
    fixture.broker.next(Feed::Trades, [Behaviour::Stream(script)]);
    let ids: Vec<_> = (0..2).map(|at| fixture.publish_trade(NOON_MS + at, &at.to_string())).collect();
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_stored(&ids).await;
    assert_eq!((fixture.status().records_unreadable, fixture.broker.requests(Feed::Trades)), (3, 1));
}

/// Three trades in one batch, to an inbox with this fault. Without a margin, so that only the cursor brings them back.
async fn three_at_once(fault: fn(&Inbox) -> &AtomicBool) -> (Fixture, Consumer, [String; 3]) {
    let times = (Duration::from_millis(50), Duration::ZERO);
    let fixture = Fixture::with(|config| Config { sink_timeout: times.0, margin: times.1, ..config });
    fault(&fixture.inbox).store(true, Relaxed);
    let trades = [0, 1, 2].map(|at| trade(NOON_MS + at, &at.to_string()));
    let at_once: String = trades.iter().map(|(_, json)| format!("data: {json}\n\n")).collect();
    let script = Script::default().after(0, Fault::Bytes(at_once.into_bytes()));
    fixture.broker.always(Feed::Trades, Behaviour::Stream(script));
    let consumer = fixture.consume(Stream::Trades);
    until("storing them fails twice", || fixture.status().disconnects("sink_failed") >= 2).await;
    assert_eq!((fixture.inbox.count(), fixture.status().stored_unix_ms), (0, None));
    fixture.broker.always(Feed::Trades, Behaviour::default());
    let ids = trades.map(|(id, json)| {
        fixture.broker.publish(Feed::Trades, &id, &json);
        id
    });
    fault(&fixture.inbox).store(false, Relaxed);
    (fixture, consumer, ids)
}

#[tokio::test]
async fn events_that_the_inbox_rejects_are_read_again() {
    let (fixture, _consumer, ids) = three_at_once(|inbox| &inbox.is_down).await;
    fixture.wait_until_stored(&ids).await;
}

#[tokio::test]
async fn a_stuck_inbox_times_out_and_is_retried() {
    let (fixture, _consumer, ids) = three_at_once(|inbox| &inbox.is_stuck).await;
    fixture.wait_until_stored(&ids).await;
}

#[tokio::test]
async fn a_stuck_inbox_causes_backpressure() {
    let fixture = Fixture::with(|config| Config { sink_timeout: Duration::from_secs(600), ..config });
    fixture.inbox.is_stuck.store(true, Relaxed);
    // 40 MB, far more than the buffers of two sockets.
    let filler = "x".repeat(40_000);
    for at in 0..1_000 {
        let moment = jiff::Timestamp::from_millisecond(NOON_MS + at).unwrap();
        let id = tests::events::ulid(moment, &at.to_string());
        fixture.broker.publish(
            Feed::Trades,
            &id,
            &format!(r#"{{"event_id":"{id}","order":{{}},"event":"{filler}"}}"#),
        );
    }
    let _consumer = fixture.consume(Stream::Trades);
    until("the sink gets a batch", || fixture.inbox.batches.load(Relaxed) == 1).await;
    let sent = || fixture.broker.events_sent(Feed::Trades);
    let (mut before, mut unchanged_since) = (sent(), Instant::now());
    while unchanged_since.elapsed() < STANDSTILL {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if before != sent() {
            (before, unchanged_since) = (sent(), Instant::now());
        }
    }
    assert!(before < 1_000, "backpressure stops the broker: {before} sent");
    fixture.inbox.is_stuck.store(false, Relaxed);
    assert_eq!(fixture.inbox.batches.load(Relaxed), 1, "the sink has one batch, never two");
}

#[tokio::test]
async fn a_stream_has_one_connection_at_a_time() {
    let fixture = Fixture::with(|config| Config {
        backoff_first: Duration::from_millis(100),
        backoff_max: Duration::from_millis(100),
        ..config
    });
    let first = fixture.consume(Stream::Trades);
    until("the first is connected", || fixture.status().is_connected).await;
    let second = fixture.consume(Stream::Trades);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(fixture.broker.requests(Feed::Trades), 1);
    }
    drop(first);
    until("the second takes over", || fixture.broker.requests(Feed::Trades) == 2).await;
    until("the first is closed", || fixture.broker.open_connections(Feed::Trades) == 1).await;
    drop(second);
    until("no consumer is connected", || !fixture.status().is_connected).await;
    until("the broker notices", || fixture.broker.open_connections(Feed::Trades) == 0).await;
}

#[tokio::test]
async fn a_new_key_is_used_without_a_restart_and_without_a_key_nothing_connects() {
    let (is_new, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_new_too, reads_too) = (Arc::clone(&is_new), Arc::clone(&reads));
    let key = Arc::new(move || {
        reads_too.fetch_add(1, Relaxed);
        if is_new_too.load(Relaxed) { alpaca::basic("CKNEW", "new") } else { None }
    });
    let fixture = Fixture::with_key(|config| config, key);
    let _consumer = fixture.consume(Stream::Trades);
    fixture.wait_until_disconnected("no_key").await;
    assert_eq!(fixture.broker.requests(Feed::Trades), 0);
    is_new.store(true, Relaxed);
    fixture.wait_until_disconnected("key_refused").await;
    fixture.broker.accept_key("CKNEW", "new");
    fixture.wait_until_stored(&[fixture.publish_trade(NOON_MS, "after")]).await;
    assert!(reads.load(Relaxed) >= 3);
    assert_ne!((KEY_ID, KEY_SECRET), ("CKNEW", "new"));
}
