//! Keys of Circle that are fetched while strangers have made-up ones fetched, before and after a restart.

use super::*;
use crate::deliveries::FetchError;
use webhooks::Rejection;

/// The vector of Circle's own page (developers.circle.com/wallets/webhook-notifications).
const ID: &str = "879dc113-5ca4-4ff7-a6b7-54652083fcf8";
const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESl76SZPBJemW0mJNN4KTvYkLT8bOT4UGhFhzNk3fJqf6iuPlLQLq533FelXwczJbjg2U1PHTvQTK7qOQnDL2Tg==";
const SIGNATURE: &str =
    "MEQCIBlJPX7t0FDOcozsRK6qIQwik5Fq6mhAtCSSgIB/yQO7AiB9U5lVpdufKvPhk3cz4TH2f5MP7ArnmPRBmhPztpsIFQ==";
const BODY: &str = r#"{"subscriptionId":"00000000-0000-0000-0000-000000000000","notificationId":"00000000-0000-0000-0000-000000000000","notificationType":"webhooks.test","notification":{"hello":"world"},"timestamp":"2024-01-26T18:22:19.779834211Z","version":2}"#;

const PATH: &str = "/v2/notifications/publicKey/";
/// One of Circle's addresses, and one of nobody's.
const CIRCLE: &str = "54.243.112.156";
const STRANGER: &str = "192.0.2.200";

async fn circle() -> Host {
    let host = Host::start().await;
    publish(&host);
    host
}

fn publish(host: &Host) {
    let data = serde_json::json!({ "id": ID, "algorithm": "ECDSA_SHA_256", "publicKey": KEY });
    host.put(&format!("{PATH}{ID}"), 200, &serde_json::json!({ "data": data }).to_string());
}

async fn official(desk: &Desk, client: &str, body: &str) -> Result<Taken, Refusal> {
    let headers = [("x-circle-key-id", ID), ("x-circle-signature", SIGNATURE)];
    take(desk, client, &headers, body.as_bytes(), Clock::System.now()).await
}

/// 40 networks name a dozen made-up keys each; how many were asked for.
async fn crowd(desk: &Desk, host: &Host) -> usize {
    let before = host.asked(PATH);
    for number in 0..480 {
        let refused = made_up(desk, &format!("198.51.100.{}", number % 40), number).await;
        assert!(matches!(refused, Err(Refusal::Rejected(Rejection::UnknownKey) | Refusal::Fetch(_))));
    }
    host.asked(PATH) - before
}

/// A delivery that names a key which Circle never had.
async fn made_up(desk: &Desk, client: &str, number: usize) -> Result<Taken, Refusal> {
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    let headers = [("x-circle-key-id", &*id), ("x-circle-signature", SIGNATURE)];
    take(desk, client, &headers, BODY.as_bytes(), Clock::System.now()).await
}

/// Uses up what a slow machine's time has given back since: networks that have not asked yet are refused for all of them.
async fn use_up(desk: &Desk) {
    for number in 1..200 {
        if is_capped(&made_up(desk, &format!("203.0.113.{number}"), 1_000 + number).await) {
            return;
        }
    }
    panic!("strangers are never refused");
}

fn is_capped(taken: &Result<Taken, Refusal>) -> bool {
    matches!(taken, Err(Refusal::Fetch(FetchError::Capped { .. })))
}

#[tokio::test]
async fn a_crowd_that_uses_up_what_strangers_may_ask_leaves_circle_its_turn() {
    let (directory, host) = (tempfile::tempdir().unwrap(), circle().await);
    let desk = desk(directory.path(), &host).await;
    let asked = crowd(&desk, &host).await;
    assert!((32..64).contains(&asked), "{asked} calls");
    use_up(&desk).await;
    assert!(is_capped(&official(&desk, STRANGER, BODY).await), "there is nothing left for a stranger");
    assert!(is_kept(&official(&desk, CIRCLE, BODY).await));
    // And known, it serves whoever brings what it signed.
    assert!(is_kept(&official(&desk, STRANGER, BODY).await));
}

#[tokio::test]
async fn a_key_that_has_proved_a_delivery_outlives_a_restart_while_a_crowd_asks_and_circle_is_away() {
    let (directory, host) = (tempfile::tempdir().unwrap(), circle().await);
    let before = desk(directory.path(), &host).await;
    assert!(is_kept(&official(&before, STRANGER, BODY).await));
    assert!(is_kept(&official(&before, STRANGER, BODY).await));
    let recorded = recorded(&before.store).await;
    let kept: Vec<_> = recorded.iter().filter(|(action, _)| action == "circle_keys.keep").collect();
    assert_eq!(kept.len(), 1, "{recorded:?}");
    assert_eq!(kept[0].1["public_key"], KEY);
    before.store.close().await;

    let after = desk(directory.path(), &host).await;
    crowd(&after, &host).await;
    let asked = host.asked(&format!("{PATH}{ID}"));
    assert!(is_kept(&official(&after, STRANGER, BODY).await), "it is looked at anew, in a turn of its own");
    assert_eq!(host.asked(&format!("{PATH}{ID}")), asked + 1);
    after.store.close().await;

    host.is_away(true);
    let without_circle = desk(directory.path(), &host).await;
    assert!(is_kept(&official(&without_circle, STRANGER, BODY).await), "as it was told before");
}

#[tokio::test]
async fn a_key_that_has_proved_nothing_is_not_kept() {
    let (directory, host) = (tempfile::tempdir().unwrap(), circle().await);
    let desk = desk(directory.path(), &host).await;
    let refused = official(&desk, CIRCLE, "{}").await;
    assert!(matches!(refused, Err(Refusal::Rejected(Rejection::Signature))), "{refused:?}");
    crowd(&desk, &host).await;
    assert_eq!(desk.store.circle_keys().await.unwrap(), []);
    assert_eq!(recorded(&desk.store).await, []);
}

#[tokio::test]
async fn a_key_that_circle_withdraws_is_dropped_and_does_not_come_back_with_a_restart() {
    let (directory, host) = (tempfile::tempdir().unwrap(), circle().await);
    let before = desk(directory.path(), &host).await;
    assert!(is_kept(&official(&before, CIRCLE, BODY).await));
    before.store.close().await;

    host.remove(&format!("{PATH}{ID}"));
    let after = desk(directory.path(), &host).await;
    let refused = official(&after, CIRCLE, BODY).await;
    assert!(matches!(refused, Err(Refusal::Rejected(Rejection::UnknownKey))), "{refused:?}");
    assert_eq!(after.store.circle_keys().await.unwrap(), []);
    let recorded = recorded(&after.store).await;
    assert_eq!(recorded.last().map(|(action, _)| &**action), Some("circle_keys.drop"));
    after.store.close().await;

    host.is_away(true);
    let later = desk(directory.path(), &host).await;
    assert!(matches!(official(&later, CIRCLE, BODY).await, Err(Refusal::Fetch(FetchError::Away))));
}

#[tokio::test]
async fn a_key_that_was_told_too_long_ago_is_not_believed_without_circle() {
    let (directory, host) = (tempfile::tempdir().unwrap(), circle().await);
    let before = desk(directory.path(), &host).await;
    let month = jiff::SignedDuration::from_hours(24 * 30);
    let told = store::CircleKey {
        id: ID.to_owned(),
        algorithm: "ECDSA_SHA_256".to_owned(),
        public_key: KEY.to_owned(),
        fetched_at: Clock::System.now() - month,
    };
    let actor = store::Actor::named("worker:test");
    before.store.keep_circle_key(&told, actor, Clock::System.now()).await.unwrap();
    before.store.close().await;
    host.is_away(true);
    let after = desk(directory.path(), &host).await;
    assert!(matches!(official(&after, CIRCLE, BODY).await, Err(Refusal::Fetch(FetchError::Away))));
}
