//! What the fake does as its clock moves, and the labels that it writes down.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tests::secrets_manager::{FakeSecretsManager, LabelState};

use crate::backend::{Backend, token};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_secret_is_gone_when_its_window_ends() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    aws.create("secret", "first").unwrap();
    aws.done("DeleteSecret", &json!({ "SecretId": "secret", "RecoveryWindowInDays": 7 })).unwrap();
    fake.advance(DAY * 7 - Duration::from_secs(1));
    aws.done("DescribeSecret", &json!({ "SecretId": "secret" })).unwrap();
    fake.advance(Duration::from_secs(1));
    aws.refused("DescribeSecret", &json!({ "SecretId": "secret" }), &["ResourceNotFoundException"]).unwrap();
}

#[test]
fn versions_above_100_go_when_they_have_no_label_and_are_a_day_old() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    aws.create("secret", "first").unwrap();
    for number in 2..=120 {
        aws.put("secret", number, &number.to_string(), &["AWSCURRENT"]).unwrap();
    }
    let is_kept = |number| {
        let input = json!({ "SecretId": "secret", "VersionId": token(number) });
        aws.call("GetSecretValue", &input).unwrap().status == 200
    };
    assert!(is_kept(1));
    fake.advance(DAY);
    aws.put("secret", 121, "last", &["AWSCURRENT"]).unwrap();
    assert_eq!((1..=121).filter(|number| is_kept(*number)).count(), 100);
    assert!(!is_kept(21) && is_kept(22));
}

#[test]
fn every_state_of_the_labels_is_written_down() {
    let fake = FakeSecretsManager::start();
    let aws = Backend::new(fake.endpoint_url());
    aws.create("secret", "first").unwrap();
    fake.advance(Duration::from_secs(5));
    aws.put("secret", 2, "second", &["AWSPENDING"]).unwrap();
    aws.move_label("secret", "AWSCURRENT", Some(1), Some(2)).unwrap();
    let states = fake.label_states("secret");
    let currents: Vec<Vec<&str>> = states.iter().map(|state| state.holders("AWSCURRENT")).collect();
    assert_eq!(currents, [[token(1).as_str()], [&token(1)], [&token(2)]]);
    assert_eq!(states[1].unix_ms - states[0].unix_ms, 5_000);
}

#[test]
fn two_current_versions_or_none_are_seen() {
    let fake = FakeSecretsManager::start();
    fake.seed("secret", "first");
    let state = fake.label_states("secret").remove(0);
    assert!(LabelState::always_one(std::slice::from_ref(&state), "AWSCURRENT"));
    assert!(!LabelState::always_one(&[], "AWSCURRENT"));
    let mut doubled = state.clone();
    doubled.labels.insert(token(2), vec!["AWSCURRENT".to_owned()]);
    assert!(!LabelState::always_one(&[state.clone(), doubled], "AWSCURRENT"));
    let mut lacking = state.clone();
    lacking.labels = BTreeMap::from([(token(2), vec!["AWSPENDING".to_owned()])]);
    assert!(!LabelState::always_one(&[state, lacking], "AWSCURRENT"));
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
