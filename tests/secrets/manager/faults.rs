//! The fake's faults, as a client sees them.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, Fault, Operation};

use crate::manager::backend::{Backend, authorization, token};

const GET: Operation = Operation::GetSecretValue;

fn with_secret() -> (FakeSecretsManager, Backend) {
    let fake = FakeSecretsManager::start();
    fake.seed("secret", "first");
    let aws = Backend::new(fake.endpoint_url());
    (fake, aws)
}

#[test]
fn errors_have_the_codes_and_statuses_of_the_service() {
    let (fake, aws) = with_secret();
    let table = [
        (Fault::Throttle, 400, "ThrottlingException"),
        (Fault::InternalError, 500, "InternalServiceError"),
        (Fault::Status(503), 503, ""),
        (Fault::AccessDenied, 400, "AccessDeniedException"),
        (Fault::ExpiredCredentials, 400, "ExpiredTokenException"),
        (Fault::DecryptionFailure, 400, "DecryptionFailure"),
        (Fault::Garbage, 200, ""),
    ];
    for (fault, status, code) in table {
        fake.next(GET, [fault.clone()]);
        let response = aws.call("GetSecretValue", &json!({ "SecretId": "secret" })).unwrap();
        assert_eq!((response.status, response.code()), (status, code), "{fault:?}");
        assert!(response.body["SecretString"].is_null(), "{fault:?}");
    }
    assert_eq!(aws.text("secret").unwrap(), "first");
}

#[test]
fn throttling_lasts_as_many_calls_as_scripted_and_touches_no_other_operation() {
    let (fake, aws) = with_secret();
    fake.next(GET, [Fault::Throttle, Fault::Throttle]);
    aws.labels("secret").unwrap();
    let read = || aws.call("GetSecretValue", &json!({ "SecretId": "secret" })).unwrap().status;
    assert_eq!([read(), read(), read()], [400, 400, 200]);
    assert_eq!((fake.calls(GET), fake.calls(Operation::DescribeSecret), fake.calls_total()), (3, 1, 4));
}

#[test]
fn broken_connections_are_failures_to_the_client() {
    let (fake, aws) = with_secret();
    for fault in [Fault::Reset, Fault::CutBody, Fault::LostResponse] {
        fake.next(GET, [fault.clone()]);
        let failed = aws.text("secret").unwrap_err();
        assert!(failed.contains("no response"), "{fault:?}: {failed}");
        assert_eq!(aws.text("secret").unwrap(), "first", "{fault:?}: the next call succeeds");
    }
}

#[test]
fn a_reset_comes_before_the_effect_and_a_lost_response_after_it() {
    let (fake, aws) = with_secret();
    let put = |number, text: &str| aws.put("secret", number, text, &["AWSCURRENT"]);
    fake.next(Operation::PutSecretValue, [Fault::Reset, Fault::LostResponse]);
    assert!(put(2, "second").is_err());
    assert_eq!(fake.text("secret", "AWSCURRENT").as_deref(), Some("first"));
    assert!(put(2, "second").is_err());
    assert_eq!(fake.text("secret", "AWSCURRENT").as_deref(), Some("second"));
    // The token makes the repetition harmless.
    assert_eq!(put(2, "second").unwrap()["VersionId"], token(2));
}

#[test]
fn a_hanging_call_blocks_no_other() {
    let (fake, _) = with_secret();
    fake.next(GET, [Fault::Hang]);
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let read = |wait: Duration| {
        client
            .post(fake.endpoint_url())
            .timeout(wait)
            .header("authorization", authorization(ACCESS_KEY_ID))
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body(json!({ "SecretId": "secret" }).to_string())
            .send()
    };
    assert!(read(Duration::from_secs(1)).unwrap_err().is_timeout());
    assert!(read(Duration::from_secs(60)).unwrap().status().is_success());
}

#[test]
fn delays_and_trickles_take_time_and_succeed() {
    let (fake, aws) = with_secret();
    let faults = [Fault::Delay(Duration::from_millis(80)), Fault::Trickle(Duration::from_millis(1))];
    for fault in faults {
        fake.next(GET, [fault.clone()]);
        let started = Instant::now();
        assert_eq!(aws.text("secret").unwrap(), "first");
        assert!(started.elapsed() >= Duration::from_millis(80), "{fault:?}");
    }
}

#[test]
fn a_lagging_replica_serves_the_next_reads_from_the_past() {
    let (fake, aws) = with_secret();
    fake.lag(2);
    aws.put("secret", 2, "second", &["AWSCURRENT"]).unwrap();
    let read = || aws.text("secret").unwrap();
    assert_eq!([read(), read(), read()], ["first", "first", "second"]);
}

#[test]
fn a_denied_secret_is_an_error_alone_and_in_a_batch() {
    let (fake, aws) = with_secret();
    fake.seed("other", "value");
    fake.deny("secret");
    aws.fails_with("GetSecretValue", &json!({ "SecretId": "secret" }), &["AccessDeniedException"]).unwrap();
    let batch = aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": ["secret", "other"] })).unwrap();
    assert_eq!(batch["Errors"][0]["ErrorCode"], "AccessDeniedException");
    assert_eq!(batch["SecretValues"][0]["Name"], "other");
    fake.allow("secret");
    assert_eq!(aws.text("secret").unwrap(), "first");
}

#[test]
fn other_credentials_can_replace_the_accepted_ones() {
    let (fake, aws) = with_secret();
    fake.accept(&["AKIDROTATED000000001"]);
    aws.fails_with("GetSecretValue", &json!({ "SecretId": "secret" }), &["UnrecognizedClientException"])
        .unwrap();
    let signed = authorization("AKIDROTATED000000001");
    let body = json!({ "SecretId": "secret" }).to_string();
    assert_eq!(aws.send("GetSecretValue", Some(&signed), body).unwrap().status, 200);
}

#[test]
fn cleared_faults_apply_no_more() {
    let (fake, aws) = with_secret();
    fake.everywhere(&Fault::Throttle);
    fake.delay(Duration::from_millis(1));
    assert!(aws.text("secret").is_err() && aws.labels("secret").is_err());
    fake.clear_faults();
    assert_eq!(aws.text("secret").unwrap(), "first");
}

#[test]
fn heads_carry_the_operation_and_the_access_key() {
    let (fake, aws) = with_secret();
    aws.text("secret").unwrap();
    let heads = fake.heads();
    assert_eq!(heads[0].operation, Some(GET));
    assert!(heads[0].headers["authorization"].to_str().unwrap().contains(ACCESS_KEY_ID));
}
