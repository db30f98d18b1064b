//! Subscriptions at SNS: requests and audit entries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::FetchError;

const CERTIFICATE: &str = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
/// Where SNS confirms: at its root, with all that matters in the query.
const CONFIRM: &str = "/?Action=ConfirmSubscription";
const UNKNOWN: &str = "192.0.2.200";

/// Messages that `cryptography` signed; see `tests/fixtures/webhooks/make.py`.
fn signed() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/webhooks/signed.json")).unwrap()
}

async fn sns(signed: &Value) -> StaticServer {
    let server = StaticServer::start().await;
    server.put(CERTIFICATE, 200, signed["sns"]["certificates"]["alone"]["pem"].as_str().unwrap());
    server
}

async fn send(intake: &WebhookIntake, signed: &Value, name: &str) -> Result<Outcome, IntakeError> {
    let cases = signed["sns"]["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == name).unwrap();
    let body = STANDARD.decode(case["body"].as_str().unwrap()).unwrap();
    let now = Timestamp::from_second(case["now"].as_i64().unwrap()).unwrap();
    receive(intake, UNKNOWN, &[], &body, now).await
}

fn audit_entry(outcome: &str) -> (String, Value) {
    let detail = serde_json::json!({
        "region": "us-east-1", "message_id": "7a3b1f2e-4c5d-5e6f-8a9b-0c1d2e3f4a5b", "outcome": outcome,
    });
    ("sns.subscription".to_owned(), detail)
}

#[tokio::test]
async fn a_confirmation_and_an_end_are_recorded_once() {
    let signed = signed();
    let (directory, server) = (tempfile::tempdir().unwrap(), sns(&signed).await);
    server.put("/", 200, "<ConfirmSubscriptionResponse/>");
    let intake = intake(directory.path(), &server).await;
    for _ in 0..3 {
        let outcome = send(&intake, &signed, "confirmation of region 0, version 1").await;
        assert!(matches!(outcome, Ok(Outcome::Confirmed)), "{outcome:?}");
    }
    assert_eq!(server.requests(CONFIRM), 1);
    for _ in 0..3 {
        assert!(matches!(send(&intake, &signed, "end of a subscription").await, Ok(Outcome::Noted)));
    }
    assert_eq!(audit_entries(&intake.store).await, [audit_entry("confirmed"), audit_entry("ended")]);
    let entries = intake.store.audit_page(0).await.unwrap();
    assert_eq!(
        entries[0].entry.object(),
        "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic"
    );
}

#[tokio::test]
async fn a_confirmation_that_fails_is_retried_until_sns_responds() {
    let signed = signed();
    let (directory, server) = (tempfile::tempdir().unwrap(), sns(&signed).await);
    let intake = intake(directory.path(), &server).await;
    let confirm = async || send(&intake, &signed, "confirmation of region 0, version 1").await;
    server.put("/", 500, "");
    for _ in 0..2 {
        assert!(matches!(confirm().await, Err(IntakeError::Fetch(FetchError::Unavailable))));
    }
    server.put("/", 403, "");
    for _ in 0..2 {
        assert!(matches!(confirm().await, Err(IntakeError::Fetch(FetchError::Denied))));
    }
    server.put("/", 200, "");
    assert!(matches!(confirm().await, Ok(Outcome::Confirmed)));
    assert_eq!(server.requests(CONFIRM), 5);
    assert_eq!(
        audit_entries(&intake.store).await,
        [audit_entry("failed"), audit_entry("refused"), audit_entry("confirmed")]
    );
}

#[tokio::test]
async fn a_message_that_is_not_verified_confirms_and_records_nothing() {
    let signed = signed();
    let (directory, server) = (tempfile::tempdir().unwrap(), sns(&signed).await);
    server.put("/", 200, "");
    let intake = intake(directory.path(), &server).await;
    for name in ["another type", "confirmation without a token", "by another key"] {
        assert!(send(&intake, &signed, name).await.is_err(), "{name}");
    }
    assert_eq!(server.requests(CONFIRM), 0);
    assert_eq!(audit_entries(&intake.store).await, []);
}
