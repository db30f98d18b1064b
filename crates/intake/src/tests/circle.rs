//! Keys of Circle are fetched while unknown senders name invented ones, before and after a restart.

use webhooks::Rejection;

use super::*;
use crate::FetchError;

/// The vector of Circle's own page (developers.circle.com/wallets/webhook-notifications).
const ID: &str = "879dc113-5ca4-4ff7-a6b7-54652083fcf8";
const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESl76SZPBJemW0mJNN4KTvYkLT8bOT4UGhFhzNk3fJqf6iuPlLQLq533FelXwczJbjg2U1PHTvQTK7qOQnDL2Tg==";
const SIGNATURE: &str =
    "MEQCIBlJPX7t0FDOcozsRK6qIQwik5Fq6mhAtCSSgIB/yQO7AiB9U5lVpdufKvPhk3cz4TH2f5MP7ArnmPRBmhPztpsIFQ==";
const BODY: &str = r#"{"subscriptionId":"00000000-0000-0000-0000-000000000000","notificationId":"00000000-0000-0000-0000-000000000000","notificationType":"webhooks.test","notification":{"hello":"world"},"timestamp":"2024-01-26T18:22:19.779834211Z","version":2}"#;

const PATH: &str = "/v2/notifications/publicKey/";
/// One of Circle's addresses, and that of an unknown sender.
const CIRCLE: &str = "54.243.112.156";
const UNKNOWN: &str = "192.0.2.200";

async fn circle() -> StaticServer {
    let server = StaticServer::start().await;
    publish(&server);
    server
}

fn publish(server: &StaticServer) {
    let data = serde_json::json!({ "id": ID, "algorithm": "ECDSA_SHA_256", "publicKey": KEY });
    server.put(&format!("{PATH}{ID}"), 200, &serde_json::json!({ "data": data }).to_string());
}

async fn official(intake: &WebhookIntake, client: &str, body: &str) -> Result<Outcome, IntakeError> {
    let headers = [("x-circle-key-id", ID), ("x-circle-signature", SIGNATURE)];
    receive(intake, client, &headers, body.as_bytes(), Clock::System.now()).await
}

/// 40 networks name a dozen invented keys each; returns how many were fetched.
async fn crowd(intake: &WebhookIntake, server: &StaticServer) -> usize {
    let before = server.requests(PATH);
    for number in 0..480 {
        let outcome = invented(intake, &format!("198.51.100.{}", number % 40), number).await;
        assert!(matches!(outcome, Err(IntakeError::Rejected(Rejection::UnknownKey) | IntakeError::Fetch(_))));
    }
    server.requests(PATH) - before
}

/// A delivery that names a key which Circle never had.
async fn invented(intake: &WebhookIntake, client: &str, number: usize) -> Result<Outcome, IntakeError> {
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    let headers = [("x-circle-key-id", &*id), ("x-circle-signature", SIGNATURE)];
    receive(intake, client, &headers, BODY.as_bytes(), Clock::System.now()).await
}

/// Uses up the rest of the shared quota, which grows with time: then networks without any request are limited, too.
async fn use_up(intake: &WebhookIntake) {
    for number in 1..200 {
        if is_limited(&invented(intake, &format!("203.0.113.{number}"), 1_000 + number).await) {
            return;
        }
    }
    panic!("unknown senders are never limited");
}

fn is_limited(outcome: &Result<Outcome, IntakeError>) -> bool {
    matches!(outcome, Err(IntakeError::Fetch(FetchError::Limited { .. })))
}

#[tokio::test]
async fn a_crowd_that_uses_up_the_shared_quota_leaves_circle_its_own() {
    let (directory, server) = (tempfile::tempdir().unwrap(), circle().await);
    let intake = intake(directory.path(), &server).await;
    let fetched = crowd(&intake, &server).await;
    assert!((32..64).contains(&fetched), "{fetched} calls");
    use_up(&intake).await;
    assert!(is_limited(&official(&intake, UNKNOWN, BODY).await), "nothing is left for an unknown sender");
    assert!(is_stored(&official(&intake, CIRCLE, BODY).await));
    // Once fetched, it verifies deliveries from any address.
    assert!(is_stored(&official(&intake, UNKNOWN, BODY).await));
}

#[tokio::test]
async fn a_key_that_verified_a_delivery_outlives_a_restart_despite_a_crowd_and_while_circle_is_down() {
    let (directory, server) = (tempfile::tempdir().unwrap(), circle().await);
    let before = intake(directory.path(), &server).await;
    assert!(is_stored(&official(&before, UNKNOWN, BODY).await));
    assert!(is_stored(&official(&before, UNKNOWN, BODY).await));
    let entries = audit_entries(&before.store).await;
    let stored: Vec<_> = entries.iter().filter(|(action, _)| action == "circle_keys.save").collect();
    assert_eq!(stored.len(), 1, "{entries:?}");
    assert_eq!(stored[0].1["public_key"], KEY);
    before.store.close().await;

    let after = intake(directory.path(), &server).await;
    crowd(&after, &server).await;
    let fetched = server.requests(&format!("{PATH}{ID}"));
    assert!(
        is_stored(&official(&after, UNKNOWN, BODY).await),
        "it is fetched again, from the reserved quota"
    );
    assert_eq!(server.requests(&format!("{PATH}{ID}")), fetched + 1);
    after.store.close().await;

    server.go_down();
    let without_circle = intake(directory.path(), &server).await;
    assert!(is_stored(&official(&without_circle, UNKNOWN, BODY).await), "the key was fetched before");
}

#[tokio::test]
async fn a_key_that_verified_nothing_is_not_stored() {
    let (directory, server) = (tempfile::tempdir().unwrap(), circle().await);
    let intake = intake(directory.path(), &server).await;
    let outcome = official(&intake, CIRCLE, "{}").await;
    assert!(matches!(outcome, Err(IntakeError::Rejected(Rejection::Signature))), "{outcome:?}");
    crowd(&intake, &server).await;
    assert_eq!(intake.store.circle_keys().await.unwrap(), []);
    assert_eq!(audit_entries(&intake.store).await, []);
}

#[tokio::test]
async fn a_key_that_circle_withdraws_is_deleted_and_does_not_come_back_with_a_restart() {
    let (directory, server) = (tempfile::tempdir().unwrap(), circle().await);
    let before = intake(directory.path(), &server).await;
    assert!(is_stored(&official(&before, CIRCLE, BODY).await));
    before.store.close().await;

    server.remove(&format!("{PATH}{ID}"));
    let after = intake(directory.path(), &server).await;
    let outcome = official(&after, CIRCLE, BODY).await;
    assert!(matches!(outcome, Err(IntakeError::Rejected(Rejection::UnknownKey))), "{outcome:?}");
    assert_eq!(after.store.circle_keys().await.unwrap(), []);
    let entries = audit_entries(&after.store).await;
    assert_eq!(entries.last().map(|(action, _)| &**action), Some("circle_keys.delete"));
    after.store.close().await;

    server.go_down();
    let later = intake(directory.path(), &server).await;
    assert!(matches!(official(&later, CIRCLE, BODY).await, Err(IntakeError::Fetch(FetchError::Unavailable))));
}

#[tokio::test]
async fn a_key_that_was_fetched_too_long_ago_is_not_used_without_circle() {
    let (directory, server) = (tempfile::tempdir().unwrap(), circle().await);
    let before = intake(directory.path(), &server).await;
    let month = jiff::SignedDuration::from_hours(24 * 30);
    let stored = store::CircleKey {
        id: ID.to_owned(),
        algorithm: "ECDSA_SHA_256".to_owned(),
        public_key: KEY.to_owned(),
        fetched_at: Clock::System.now() - month,
    };
    let actor = store::Actor::named("worker:test");
    before.store.save_circle_key(&stored, actor, Clock::System.now()).await.unwrap();
    before.store.close().await;
    server.go_down();
    let after = intake(directory.path(), &server).await;
    assert!(matches!(official(&after, CIRCLE, BODY).await, Err(IntakeError::Fetch(FetchError::Unavailable))));
}
