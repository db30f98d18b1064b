//! The fake's clock, and the labels that it records.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tests::secrets_manager::{FakeSecretsManager, LabelState};

use crate::manager::backend::{Backend, token};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_secret_is_deleted_when_its_recovery_window_ends() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    aws.create("secret", "first").unwrap();
    aws.succeeds("DeleteSecret", &json!({ "SecretId": "secret", "RecoveryWindowInDays": 7 })).unwrap();
    fake.advance(DAY * 7 - Duration::from_secs(1));
    aws.succeeds("DescribeSecret", &json!({ "SecretId": "secret" })).unwrap();
    fake.advance(Duration::from_secs(1));
    aws.fails_with("DescribeSecret", &json!({ "SecretId": "secret" }), &["ResourceNotFoundException"])
        .unwrap();
}

#[test]
fn unlabelled_versions_above_100_are_deleted_after_a_day() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    aws.create("secret", "first").unwrap();
    for number in 2..=120 {
        aws.put("secret", number, &number.to_string(), &["AWSCURRENT"]).unwrap();
    }
    let exists = |number| {
        let input = json!({ "SecretId": "secret", "VersionId": token(number) });
        aws.call("GetSecretValue", &input).unwrap().status == 200
    };
    assert!(exists(1));
    fake.advance(DAY);
    aws.put("secret", 121, "last", &["AWSCURRENT"]).unwrap();
    assert_eq!((1..=121).filter(|number| exists(*number)).count(), 100);
    assert!(!exists(21) && exists(22));
}

#[test]
fn every_change_of_labels_is_recorded() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    aws.create("secret", "first").unwrap();
    fake.advance(Duration::from_secs(5));
    aws.put("secret", 2, "second", &["AWSPENDING"]).unwrap();
    aws.move_label("secret", "AWSCURRENT", Some(1), Some(2)).unwrap();
    let states = fake.label_states("secret");
    let currents: Vec<Vec<&str>> = states.iter().map(|state| state.versions_with("AWSCURRENT")).collect();
    assert_eq!(currents, [[token(1).as_str()], [&token(1)], [&token(2)]]);
    assert_eq!(states[1].unix_ms - states[0].unix_ms, 5_000);
}

#[test]
fn two_current_versions_or_none_are_detected() {
    let fake = FakeSecretsManager::start();
    fake.seed("secret", "first");
    let state = fake.label_states("secret").remove(0);
    assert!(LabelState::is_always_unique(std::slice::from_ref(&state), "AWSCURRENT"));
    assert!(!LabelState::is_always_unique(&[], "AWSCURRENT"));
    let mut doubled = state.clone();
    doubled.labels.insert(token(2), vec!["AWSCURRENT".to_owned()]);
    assert!(!LabelState::is_always_unique(&[state.clone(), doubled], "AWSCURRENT"));
    let mut lacking = state.clone();
    lacking.labels = BTreeMap::from([(token(2), vec!["AWSPENDING".to_owned()])]);
    assert!(!LabelState::is_always_unique(&[state, lacking], "AWSCURRENT"));
}

#[test]
fn a_seeded_secret_is_read_and_seeded_again() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    let first = fake.seed("secret", "first");
    let second = fake.seed("secret", "second");
    assert_ne!(first, second);
    assert_eq!(fake.text("secret", "AWSPREVIOUS").as_deref(), Some("first"));
    assert_eq!(fake.calls_total(), 0);
    assert_eq!(aws.text("secret").unwrap(), "second");
}
