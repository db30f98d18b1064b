//! Rotations in AWS Secrets Manager: from step to step, back, interrupted, in haste, and refused.

use tests::secrets_manager::{Fault, Operation};

use crate::aws::{account, labelled, ready, step};
use crate::command::CANARY;

#[test]
fn a_rotation_goes_from_step_to_step_and_back() {
    let (aws, place) = ready();
    let old = labelled(&aws, "AWSCURRENT").unwrap();
    let begun = place.run("secrets rotate jwt_secret");
    assert_eq!(begun.code, 0, "{begun:?}");
    let new = labelled(&aws, "AWSPENDING").unwrap();
    assert_eq!(
        (labelled(&aws, "AWSCURRENT").as_ref(), step(&place, "jwt_secret").as_str()),
        (Some(&old), "announced")
    );
    assert_eq!(place.run("secrets rotate jwt_secret").code, 5, "one is under way");
    assert_eq!(place.run("secrets resume jwt_secret").code, 2, "not every process can have the news");
    assert_eq!(place.run("secrets rollback jwt_secret").code, 2, "nothing took over");

    let promoted = place.run("secrets resume jwt_secret --reported");
    assert_eq!((promoted.code, step(&place, "jwt_secret").as_str()), (0, "promoted"), "{promoted:?}");
    assert_eq!(
        (labelled(&aws, "AWSCURRENT"), labelled(&aws, "AWSPREVIOUS")),
        (Some(new.clone()), Some(old.clone()))
    );
    assert_eq!(place.run("secrets retire jwt_secret --unused").code, 2, "its overlap is not over");
    assert_eq!(place.run("secrets abort jwt_secret").code, 2, "it took over");

    let back = place.run("secrets rollback jwt_secret");
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(labelled(&aws, "AWSCURRENT"), Some(old));
    aws.assert_one_current("test/rail/jwt-secret");
    assert_eq!(place.run("secrets audit").code, 0);
}

#[test]
fn what_is_due_is_rotated_together_but_for_encryption_keys() {
    // The fake's clock stands at the beginning of 2026, so that everything is older than it may be.
    let (aws, place) = ready();
    assert_eq!(place.run("secrets rotate").code, 1);
    assert_eq!(place.run("secrets rotate jwt_secret").code, 0);
    let begun = place.run("secrets rotate --due --json");
    assert_eq!(begun.code, 0, "{begun:?}");
    let rotations = begun.json()["rotations"].as_array().unwrap().clone();
    let step =
        |name: &str| rotations.iter().find(|line| line["name"] == name).map(|line| line["step"].clone());
    assert_eq!(step("session_key"), Some("announced".into()));
    assert_eq!(step("jwt_secret"), Some(serde_json::Value::Null), "one is under way");
    assert_eq!(step("encryption_key"), None);
    assert!(aws.text("test/rail/session-key", "AWSPENDING").is_some());
    assert_eq!(aws.text("test/rail/encryption-key", "AWSPENDING"), None);
}

#[test]
fn an_aborted_rotation_leaves_nothing() {
    let (aws, place) = ready();
    let old = labelled(&aws, "AWSCURRENT");
    place.run("secrets rotate jwt_secret");
    let aborted = place.run("secrets abort jwt_secret");
    assert_eq!((aborted.code, step(&place, "jwt_secret").as_str()), (0, "none"), "{aborted:?}");
    assert_eq!((labelled(&aws, "AWSCURRENT"), labelled(&aws, "AWSPENDING")), (old, None));
    assert_eq!(place.run("secrets rotate jwt_secret").code, 0, "the way is free");
}

#[test]
fn a_rotation_of_somebody_else_is_seen_and_can_be_undone() {
    let (aws, place) = ready();
    let elsewhere = account(&aws.endpoint_url());
    assert_eq!(elsewhere.run("secrets rotate jwt_secret").code, 0);
    assert!(place.run("secrets status").out.contains("begun elsewhere"));
    assert_eq!(place.run("secrets rotate jwt_secret").code, 5);
    assert_eq!(place.run("secrets abort jwt_secret").code, 2, "there is no plan of it here");
    assert_eq!(place.run("secrets abort jwt_secret --foreign").code, 0);
    assert_eq!(labelled(&aws, "AWSPENDING"), None);
}

#[test]
fn an_interrupted_rotation_is_resumed() {
    let (aws, place) = ready();
    for operation in
        [Operation::PutSecretValue, Operation::DescribeSecret, Operation::UpdateSecretVersionStage]
    {
        aws.always(operation, Fault::InternalError);
        assert_ne!(place.run("secrets rotate jwt_secret").code, 0);
        aws.behave();
        let resumed = place.run("secrets resume jwt_secret");
        // With the first operation broken there may be no plan yet.
        if resumed.code == 2 {
            assert_eq!(place.run("secrets rotate jwt_secret").code, 0);
        }
        assert_eq!(step(&place, "jwt_secret"), "announced", "{operation:?}");
        assert_eq!(place.run("secrets abort jwt_secret").code, 0);
    }
    aws.assert_one_current("test/rail/jwt-secret");
}

#[test]
fn a_value_that_was_brought_and_lost_is_not_replaced_by_another() {
    let (aws, place) = ready();
    let list = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1:trader";
    for (name, value) in [("api_keys", list), ("jwt_secret", "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=")]
    {
        let id = format!("test/rail/{}", name.replace('_', "-"));
        aws.always(Operation::PutSecretValue, Fault::InternalError);
        assert_eq!(place.run_with(&format!("secrets rotate {name} --stdin"), value).code, 4);
        aws.behave();
        let resumed = place.run(&format!("secrets resume {name}"));
        assert_eq!(resumed.code, 2, "{resumed:?}");
        assert!(resumed.err.contains(&format!("secrets abort {name}")), "{resumed:?}");
        assert_eq!(aws.text(&id, "AWSPENDING"), None);
        assert_eq!(place.run(&format!("secrets abort {name}")).code, 0);
        // Stored, and the answer lost: it is there, and the rotation goes on with it.
        aws.next(Operation::PutSecretValue, [Fault::LostAnswer]);
        aws.always(Operation::PutSecretValue, Fault::InternalError);
        place.run_with(&format!("secrets rotate {name} --stdin"), value);
        aws.behave();
        assert_eq!(place.run(&format!("secrets resume {name}")).code, 0);
        assert_eq!(aws.text(&id, "AWSPENDING").as_deref(), Some(value));
    }
}

#[test]
fn a_key_that_is_replaced_in_one_step_is_warned_of() {
    let (_aws, place) = ready();
    let key = "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=";
    let ran = place.run_with("secrets set jwt_secret --to aws --stdin --replace", key);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("warning: every process has it within 330 s"), "{ran:?}");
    let vendor = place.run_with("secrets set polygon_api_key --to aws --stdin --replace", CANARY);
    assert!(!vendor.err.contains("warning"), "{vendor:?}");
}

#[test]
fn an_emergency_waits_for_nobody_and_says_what_breaks() {
    let (aws, place) = ready();
    let old = labelled(&aws, "AWSCURRENT").unwrap();
    assert_eq!(place.run("secrets emergency jwt_secret").code, 1, "a reason is due");
    let foreseen = place.run("secrets emergency jwt_secret --reason leaked --dry-run");
    assert!(foreseen.err.contains("what breaks"), "{foreseen:?}");
    assert_eq!(labelled(&aws, "AWSCURRENT"), Some(old.clone()));
    let ran = place.run("secrets emergency jwt_secret --reason leaked");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_ne!(labelled(&aws, "AWSCURRENT"), Some(old));
    assert_eq!(step(&place, "jwt_secret"), "none", "nothing is left to do");
    let record = std::fs::read_to_string(place.path(".local/state/investiq/audit.jsonl")).unwrap();
    assert!(record.contains("leaked"), "{record}");
}

#[test]
fn what_a_vendor_made_is_brought_and_judged() {
    let (aws, place) = ready();
    let of = |label| aws.text("test/rail/polygon-api-key", label);
    assert_eq!(place.run("secrets rotate polygon_api_key --stdin").code, 2, "there is none yet");
    assert_eq!(place.run_with("secrets set polygon_api_key --to aws --stdin", CANARY).code, 0);
    assert_eq!(of("AWSCURRENT").as_deref(), Some(CANARY));
    assert_eq!(place.run_with("secrets set polygon_api_key --to aws --stdin", CANARY).code, 2, "it is there");
    let rotated = place.run_with("secrets rotate polygon_api_key --stdin", "another-9Qm3Xc6Vb9Nn2Ll5Kk7\n");
    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert_eq!(of("AWSPENDING").as_deref(), Some("another-9Qm3Xc6Vb9Nn2Ll5Kk7"));
    assert_eq!(place.run_with("secrets set polygon_api_key --to aws --stdin --replace", CANARY).code, 5);
    place.run("secrets abort polygon_api_key");
    let bad = place.run_with("secrets rotate polygon_api_key --stdin", "two\nlines");
    assert_eq!((bad.code, of("AWSPENDING")), (2, None), "{bad:?}");
}

#[test]
fn a_list_of_keys_that_the_server_would_refuse_is_refused_before_anything_is_changed() {
    let (aws, place) = ready();
    let changes = || aws.calls(Operation::PutSecretValue) + aws.calls(Operation::UpdateSecretVersionStage);
    let before = changes();
    let weak = "hunter2";
    let unknown_role = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1:root";
    let twice = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1,k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1:admin";
    for list in [weak, unknown_role, twice] {
        for command in [
            "secrets rotate api_keys --stdin",
            "secrets emergency api_keys --reason leaked --stdin",
            "secrets set api_keys --to aws --stdin --replace",
        ] {
            let ran = place.run_with(command, list);
            assert_eq!(ran.code, 2, "{command}: {ran:?}");
            assert!(ran.err.contains("API_KEYS: key ") && !ran.err.contains("k7Vn2"), "{command}: {ran:?}");
        }
    }
    assert_eq!(changes(), before);
    assert_eq!(
        place.run("secrets status api_keys --json").json()["rotations"][0]["step"],
        serde_json::Value::Null
    );
}

#[test]
fn an_overlap_that_would_break_something_or_promise_nothing_is_refused() {
    let (aws, place) = ready();
    place.run_with("secrets set polygon_api_key --to aws --stdin", CANARY);
    for (command, code) in [
        ("secrets rotate jwt_secret --overlap 1m", 2),
        ("secrets rotate jwt_secret --overlap 200h", 2),
        ("secrets rotate encryption_key --overlap 24h", 2),
        ("secrets rotate polygon_api_key --stdin --overlap 1h", 2),
        ("secrets rotate api_keys --overlap 200h", 2),
        ("secrets rotate api_keys --overlap -1h", 1),
        ("secrets rotate api_keys --overlap soon", 1),
        ("secrets rotate --due --overlap 24h", 1),
    ] {
        let ran = place.run_with(command, "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
        assert_eq!(ran.code, code, "{command}: {ran:?}");
    }
    assert_eq!(labelled(&aws, "AWSPENDING"), None);
    assert_eq!(place.run("secrets rotate jwt_secret --overlap 2h").code, 0);
}

#[test]
fn a_change_without_an_answer_is_told_as_one_that_may_have_been_made() {
    let (aws, place) = ready();
    aws.always(Operation::PutSecretValue, Fault::InternalError);
    let ran = place.run("secrets rotate jwt_secret");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("may not have been changed in AWS secret test/rail/jwt-secret"), "{ran:?}");
    assert!(!ran.err.contains("could not be read"), "{ran:?}");
}
