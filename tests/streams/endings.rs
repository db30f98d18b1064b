//! Each way in which a connection can go wrong, one by one: what comes after it is nevertheless kept, and nothing else.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use alpaca::{Config, Stream};
use tests::alpaca::{Behaviour, Feed, KEY_ID, KEY_SECRET, LineEnd, Mishap, Play, Style};

use crate::inbox::Inbox;
use crate::stage::{Consumer, NOON_MS, Stage, trade, until};

/// A broker that sent nothing for so long is held back.
const STANDSTILL: Duration = Duration::from_secs(1);

/// The first connection goes so; six trades, three before and three after, are kept nevertheless.
async fn survives(behaviour: Behaviour, reason: &str) -> Stage {
    survives_with(|config| config, behaviour, reason).await
}

async fn survives_with(change: fn(Config) -> Config, behaviour: Behaviour, reason: &str) -> Stage {
    let stage = Stage::with(change);
    stage.broker.next(Feed::Trades, [behaviour]);
    let mut ids: Vec<_> =
        (0..3).map(|at| stage.publish_trade(NOON_MS + at, &format!("early {at}"))).collect();
    let _consumer = stage.consume(Stream::Trades);
    stage.ended(reason).await;
    ids.extend((3..6).map(|at| stage.publish_trade(NOON_MS + at, &format!("late {at}"))));
    stage.kept(&ids).await;
    assert!(stage.broker.connections(Feed::Trades) >= 2);
    stage
}

fn play(mishap: Mishap) -> Behaviour {
    Behaviour::Play(Play::well().then(1, mishap))
}

#[tokio::test]
async fn a_connection_that_is_closed_is_made_again() {
    survives(play(Mishap::Close), "closed").await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    survives(play(Mishap::Break), "broken").await;
}

#[tokio::test]
async fn a_record_cut_in_its_middle_is_read_again_whole() {
    survives(play(Mishap::Cut), "broken").await;
}

#[tokio::test]
async fn an_error_of_the_broker_is_heard_in_its_comment() {
    survives(play(Mishap::ServerError), "server_error").await;
}

#[tokio::test]
async fn a_gap_is_counted_and_read_again() {
    let stage = survives(play(Mishap::Drop(2)), "dropped").await;
    assert_eq!((stage.status().gaps(), stage.status().messages_dropped), (1, 2));
    assert_eq!(stage.broker.left_out(Feed::Trades), 2, "the broker did leave them out");
}

#[tokio::test]
async fn silence_without_heartbeats_ends_a_connection() {
    let impatient = |config| Config { silence_max: Duration::from_millis(400), ..config };
    survives_with(impatient, play(Mishap::Silence(Duration::from_secs(3600))), "silent").await;
}

#[tokio::test]
async fn refusals_are_told_apart_and_do_not_last() {
    for (status, reason) in [(401, "key_refused"), (403, "forbidden"), (500, "status"), (503, "status")] {
        survives(Behaviour::Status { status, retry_after_s: None }, reason).await;
    }
    survives(Behaviour::Status { status: 429, retry_after_s: Some(0) }, "limited").await;
    survives(Behaviour::Html, "not_a_stream").await;
    let impatient = |config| Config { answer_timeout: Duration::from_millis(500), ..config };
    survives_with(impatient, Behaviour::Hang, "no_answer").await;
}

#[tokio::test]
async fn a_limit_is_waited_for_as_long_as_the_broker_asks() {
    let begun = Instant::now();
    survives(Behaviour::Status { status: 429, retry_after_s: Some(1) }, "limited").await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_key_along() {
    let elsewhere = tests::alpaca::FakeAlpaca::start();
    let place = format!("{}{}", elsewhere.base_url(), Feed::Trades.path());
    survives(Behaviour::Redirect(place), "redirected").await;
    assert_eq!(elsewhere.connections(Feed::Trades), 0);
}

#[tokio::test]
async fn what_was_sent_twice_is_known_by_its_id() {
    let stage = Stage::new();
    let play = Play::well().then(2, Mishap::Repeat(2)).then(3, Mishap::Repeat(1)).then(3, Mishap::Heartbeat);
    stage.broker.next(Feed::Trades, [Behaviour::Play(play)]);
    let ids: Vec<_> = (0..4).map(|at| stage.publish_trade(NOON_MS + at, &at.to_string())).collect();
    let _consumer = stage.consume(Stream::Trades);
    stage.kept(&ids).await;
    assert_eq!(stage.inbox.repeats(), 3);
}

#[tokio::test]
async fn every_style_of_the_wire_is_read_alike() {
    for line_end in [LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr] {
        for (is_multi_line, is_interrupted, piece_bytes) in
            [(false, false, None), (true, false, Some(1)), (true, true, Some(7)), (false, true, Some(64))]
        {
            let style =
                Style { line_end, is_multi_line, is_interrupted, piece_bytes, piece_wait: Duration::ZERO };
            let stage = Stage::new();
            stage.broker.always(Feed::Trades, Behaviour::Play(Play::well().styled(style)));
            let ids: Vec<_> = (0..3).map(|at| stage.publish_trade(NOON_MS + at, &at.to_string())).collect();
            let _consumer = stage.consume(Stream::Trades);
            stage.kept(&ids).await;
            let data: serde_json::Value =
                serde_json::from_str(&stage.inbox.data(Stream::Trades, &ids[1])).unwrap();
            assert_eq!(data["order"]["id"], "1", "{style:?}");
        }
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_counted_and_holds_nothing_up() {
    let stage = Stage::new();
    let too_large = format!("data: {}\n\n", "x".repeat(10 * alpaca::RECORD_BYTES_MAX));
    let play = Play::well()
        .then(1, Mishap::Bytes(too_large.into_bytes()))
        .then(1, Mishap::Bytes(b"data: {\"event_id\":5}\n\n".to_vec()))
        .then(1, Mishap::Bytes(b"data: \xff\xfe\n\n".to_vec()));
    stage.broker.next(Feed::Trades, [Behaviour::Play(play)]);
    let ids: Vec<_> = (0..2).map(|at| stage.publish_trade(NOON_MS + at, &at.to_string())).collect();
    let _consumer = stage.consume(Stream::Trades);
    stage.kept(&ids).await;
    assert_eq!((stage.status().records_unreadable, stage.broker.connections(Feed::Trades)), (3, 1));
}

/// Three trades that come at once, so that they are one batch, to an inbox with this fault. No margin: nothing but the
/// cursor brings them back.
async fn three_at_once(fault: fn(&Inbox) -> &AtomicBool) -> (Stage, Consumer, [String; 3]) {
    let times = (Duration::from_millis(50), Duration::ZERO);
    let stage = Stage::with(|config| Config { sink_timeout: times.0, margin: times.1, ..config });
    fault(&stage.inbox).store(true, Relaxed);
    let trades = [0, 1, 2].map(|at| trade(NOON_MS + at, &at.to_string()));
    let at_once: String = trades.iter().map(|(_, json)| format!("data: {json}\n\n")).collect();
    let play = Play::well().then(0, Mishap::Bytes(at_once.into_bytes()));
    stage.broker.always(Feed::Trades, Behaviour::Play(play));
    let consumer = stage.consume(Stream::Trades);
    until("they are not kept, twice", || stage.status().ended("not_kept") >= 2).await;
    assert_eq!((stage.inbox.count(), stage.status().kept_unix_ms), (0, None));
    stage.broker.always(Feed::Trades, Behaviour::default());
    let ids = trades.map(|(id, json)| {
        stage.broker.publish(Feed::Trades, &id, &json);
        id
    });
    fault(&stage.inbox).store(false, Relaxed);
    (stage, consumer, ids)
}

#[tokio::test]
async fn what_the_inbox_refuses_is_read_again_when_it_is_back() {
    let (stage, _consumer, ids) = three_at_once(|inbox| &inbox.is_down).await;
    stage.kept(&ids).await;
}

#[tokio::test]
async fn an_inbox_that_does_not_answer_is_given_up_and_asked_again() {
    let (stage, _consumer, ids) = three_at_once(|inbox| &inbox.is_stuck).await;
    stage.kept(&ids).await;
}

#[tokio::test]
async fn a_stuck_inbox_makes_nothing_grow() {
    let stage = Stage::with(|config| Config { sink_timeout: Duration::from_secs(600), ..config });
    stage.inbox.is_stuck.store(true, Relaxed);
    // 40 MB, far more than the buffers of two sockets.
    let filler = "x".repeat(40_000);
    for at in 0..1_000 {
        let moment = jiff::Timestamp::from_millisecond(NOON_MS + at).unwrap();
        let id = tests::events::ulid(moment, &at.to_string());
        stage.broker.publish(
            Feed::Trades,
            &id,
            &format!(r#"{{"event_id":"{id}","order":{{}},"event":"{filler}"}}"#),
        );
    }
    let _consumer = stage.consume(Stream::Trades);
    until("the sink is asked", || stage.inbox.batches.load(Relaxed) == 1).await;
    let sent = || stage.broker.sent(Feed::Trades);
    let (mut before, mut stands_since) = (sent(), Instant::now());
    while stands_since.elapsed() < STANDSTILL {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if before != sent() {
            (before, stands_since) = (sent(), Instant::now());
        }
    }
    assert!(before < 1_000, "the broker is held back, and did not send all: {before}");
    stage.inbox.is_stuck.store(false, Relaxed);
    assert_eq!(stage.inbox.batches.load(Relaxed), 1, "one batch is with the sink, never two");
}

#[tokio::test]
async fn one_connection_of_a_stream_is_open_at_a_time() {
    let stage = Stage::with(|config| Config {
        pause_first: Duration::from_millis(100),
        pause_max: Duration::from_millis(100),
        ..config
    });
    let first = stage.consume(Stream::Trades);
    until("the first is connected", || stage.status().is_connected).await;
    let second = stage.consume(Stream::Trades);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(stage.broker.connections(Feed::Trades), 1);
    }
    drop(first);
    until("the second takes over", || stage.broker.connections(Feed::Trades) == 2).await;
    until("the first is gone", || stage.broker.open(Feed::Trades) == 1).await;
    drop(second);
    until("nobody is connected", || !stage.status().is_connected).await;
    until("the broker sees it", || stage.broker.open(Feed::Trades) == 0).await;
}

#[tokio::test]
async fn a_new_key_is_used_without_a_restart_and_none_connects_to_nothing() {
    let (is_new, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_new_too, asked_too) = (Arc::clone(&is_new), Arc::clone(&asked));
    let key = Arc::new(move || {
        asked_too.fetch_add(1, Relaxed);
        if is_new_too.load(Relaxed) { alpaca::basic("CKNEW", "new") } else { None }
    });
    let stage = Stage::with_key(|config| config, key);
    let _consumer = stage.consume(Stream::Trades);
    stage.ended("no_key").await;
    assert_eq!(stage.broker.connections(Feed::Trades), 0);
    is_new.store(true, Relaxed);
    stage.ended("key_refused").await;
    stage.broker.accept("CKNEW", "new");
    stage.kept(&[stage.publish_trade(NOON_MS, "after")]).await;
    assert!(asked.load(Relaxed) >= 3);
    assert_ne!((KEY_ID, KEY_SECRET), ("CKNEW", "new"));
}
