//! Subscriptions at SNS: what is answered, asked and recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::deliveries::FetchError;

const CERTIFICATE: &str = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
/// Where SNS is asked to confirm: at its root, with all that matters in the query.
const CONFIRM: &str = "/?Action=ConfirmSubscription";
const STRANGER: &str = "192.0.2.200";

/// Messages that `cryptography` signed; see `tests/fixtures/webhooks/make.py`.
fn signed() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/webhooks/signed.json")).unwrap()
}

async fn sns(signed: &Value) -> Host {
    let host = Host::start().await;
    host.put(CERTIFICATE, 200, signed["sns"]["certificates"]["alone"]["pem"].as_str().unwrap());
    host
}

async fn send(desk: &Desk, signed: &Value, name: &str) -> Result<Taken, Refusal> {
    let cases = signed["sns"]["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == name).unwrap();
    let body = STANDARD.decode(case["body"].as_str().unwrap()).unwrap();
    let now = Timestamp::from_second(case["now"].as_i64().unwrap()).unwrap();
    take(desk, STRANGER, &[], &body, now).await
}

fn told(outcome: &str) -> (String, Value) {
    let detail = serde_json::json!({
        "region": "us-east-1", "message_id": "7a3b1f2e-4c5d-5e6f-8a9b-0c1d2e3f4a5b", "outcome": outcome,
    });
    ("sns.subscription".to_owned(), detail)
}

#[tokio::test]
async fn a_confirmation_and_an_end_are_recorded_once() {
    let signed = signed();
    let (directory, host) = (tempfile::tempdir().unwrap(), sns(&signed).await);
    host.put("/", 200, "<ConfirmSubscriptionResponse/>");
    let desk = desk(directory.path(), &host).await;
    for _ in 0..3 {
        let taken = send(&desk, &signed, "confirmation of region 0, version 1").await;
        assert!(matches!(taken, Ok(Taken::Confirmed)), "{taken:?}");
    }
    assert_eq!(host.asked(CONFIRM), 1);
    for _ in 0..3 {
        assert!(matches!(send(&desk, &signed, "end of a subscription").await, Ok(Taken::Noted)));
    }
    assert_eq!(recorded(&desk.store).await, [told("confirmed"), told("ended")]);
    let entries = desk.store.audit_page(0).await.unwrap();
    assert_eq!(
        entries[0].entry.object(),
        "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic"
    );
}

#[tokio::test]
async fn a_confirmation_that_fails_is_asked_for_again_until_sns_answers() {
    let signed = signed();
    let (directory, host) = (tempfile::tempdir().unwrap(), sns(&signed).await);
    let desk = desk(directory.path(), &host).await;
    let confirm = async || send(&desk, &signed, "confirmation of region 0, version 1").await;
    host.put("/", 500, "");
    for _ in 0..2 {
        assert!(matches!(confirm().await, Err(Refusal::Fetch(FetchError::Away))));
    }
    host.put("/", 403, "");
    for _ in 0..2 {
        assert!(matches!(confirm().await, Err(Refusal::Fetch(FetchError::Denied))));
    }
    host.put("/", 200, "");
    assert!(matches!(confirm().await, Ok(Taken::Confirmed)));
    assert_eq!(host.asked(CONFIRM), 5);
    assert_eq!(recorded(&desk.store).await, [told("failed"), told("refused"), told("confirmed")]);
}

#[tokio::test]
async fn a_message_that_is_not_proved_confirms_and_records_nothing() {
    let signed = signed();
    let (directory, host) = (tempfile::tempdir().unwrap(), sns(&signed).await);
    host.put("/", 200, "");
    let desk = desk(directory.path(), &host).await;
    for name in ["another type", "confirmation without a token", "by another key"] {
        assert!(send(&desk, &signed, name).await.is_err(), "{name}");
    }
    assert_eq!(host.asked(CONFIRM), 0);
    assert_eq!(recorded(&desk.store).await, []);
}
