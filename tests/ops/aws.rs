//! Secrets in AWS Secrets Manager: set up, interrupted, rotated, rolled back, replaced in haste, deleted, restored.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use tests::emulators::{Ministack, Moto};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, Fault, Operation, SECRET_ACCESS_KEY};

use crate::command::{CANARY, Place};

/// A place whose environment names an account.
pub(crate) fn account(endpoint: &str) -> Place {
    let place = Place::new();
    let home = place.path("").to_string_lossy().into_owned();
    place
        .set("HOME", &home)
        .set("INVESTIQ_PROFILE", "development")
        .set("SECRET_PREFIX", "test/rail")
        .set("AWS_REGION", "us-east-1")
        .set("AWS_ENDPOINT_URL", endpoint)
        .set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
}

/// How many secrets a run of `setup-aws --json` says came to this.
fn count(ran: &crate::command::Ran, outcome: &str) -> usize {
    let json = ran.json();
    json["secrets"].as_array().unwrap().iter().filter(|line| line["outcome"] == outcome).count()
}

/// Set up, again, and again after an interruption.
fn set_up(endpoint: &str) {
    let place = account(endpoint);
    let foreseen = place.run("secrets setup-aws --dry-run --json");
    assert_eq!(foreseen.code, 0, "{foreseen:?}");
    let made = count(&foreseen, "created");
    assert!(made >= 10, "{foreseen:?}");

    // Killed after its third secret.
    let mut child = place.command(&["secrets", "setup-aws"]).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().starts_with("[ 3/")), "it tells how far it is");
    child.kill().unwrap();
    child.wait().unwrap();

    let finished = place.run("secrets setup-aws --json");
    assert_eq!(finished.code, 0, "{finished:?}");
    let (kept, created) = (count(&finished, "kept"), count(&finished, "created"));
    assert_eq!(kept + created, made, "{finished:?}");
    let again = place.run("secrets setup-aws --json");
    assert_eq!((count(&again, "kept"), count(&again, "created")), (made, 0), "{again:?}");

    let report = place.run("secrets report --json").json();
    let of =
        |name: &str| report["secrets"].as_array().unwrap().iter().find(|line| line["name"] == name).unwrap();
    let source = of("jwt_secret")["source"].as_str().unwrap().to_owned();
    assert!(source.contains("AWS secret test/rail/jwt-secret"), "{source}");
    assert!(of("jwt_secret")["version"].as_str().is_some_and(|version| version.len() >= 32));
    assert_eq!(place.run("secrets audit").code, 0);
}

#[test]
fn the_fake_is_set_up_in_any_number_of_runs() {
    let aws = FakeSecretsManager::start();
    set_up(&aws.endpoint_url());
    for name in ["test/rail/jwt-secret", "test/rail/api-keys"] {
        aws.assert_one_current(name);
    }
}

#[test]
fn moto_is_set_up_in_any_number_of_runs() {
    set_up(&Moto::start().endpoint_url());
}

#[test]
fn ministack_is_set_up_in_any_number_of_runs() {
    set_up(&Ministack::start().endpoint_url());
}

#[test]
fn an_answer_that_is_lost_makes_no_second_version() {
    let aws = FakeSecretsManager::start();
    let faults = [Fault::LostAnswer, Fault::Throttle, Fault::LostAnswer, Fault::InternalError];
    aws.next(Operation::CreateSecret, faults);
    let place = account(&aws.endpoint_url());
    // What the client does not get over by itself, the next run does.
    let runs = (1..=5).find(|_| place.run("secrets setup-aws").code == 0);
    assert!(runs.is_some(), "{:?}", place.run("secrets setup-aws"));
    assert!(aws.calls(Operation::CreateSecret) > 4, "every fault was met");
    for name in ["admin-bootstrap-token", "alpaca-webhook-secret", "api-key-pepper", "api-keys"] {
        assert_eq!(aws.label_states(&format!("test/rail/{name}")).len(), 1, "{name}");
    }
}

#[test]
fn a_service_that_fails_ends_the_run_and_the_next_one_goes_on() {
    let aws = FakeSecretsManager::start();
    let place = account(&aws.endpoint_url());
    aws.always(Operation::CreateSecret, Fault::AccessDenied);
    let ran = place.run("secrets setup-aws");
    assert_eq!(ran.code, 2, "{ran:?}");
    aws.behave();
    assert_eq!(place.run("secrets setup-aws").code, 0);
}

#[test]
fn credentials_are_verified_before_anything_is_changed() {
    let aws = FakeSecretsManager::start();
    aws.accept(&["AKIDSOMEBODYELSE0001"]);
    let place = account(&aws.endpoint_url());
    for command in
        ["secrets setup-aws", "secrets rotate jwt_secret", "secrets emergency jwt_secret --reason leak"]
    {
        let ran = place.run(command);
        assert_eq!(ran.code, 2, "{command}: {ran:?}");
        assert!(ran.err.contains("does not answer us") || ran.err.contains("refused"), "{ran:?}");
    }
    let changes = [Operation::CreateSecret, Operation::PutSecretValue, Operation::UpdateSecretVersionStage];
    assert!(changes.iter().all(|operation| aws.calls(*operation) == 0));
}

#[test]
fn without_a_prefix_or_with_an_emulator_in_production_nothing_is_asked() {
    let aws = FakeSecretsManager::start();
    let production = account(&aws.endpoint_url()).set("INVESTIQ_PROFILE", "production");
    let refused = production.run("secrets setup-aws");
    assert_eq!(refused.code, 2, "{refused:?}");
    let nowhere = account(&aws.endpoint_url()).set("SECRET_PREFIX", "");
    assert_eq!(nowhere.run("secrets setup-aws").code, 2);
    assert_eq!(aws.calls_total(), 0);
    let checked = production.run("secrets check --json");
    assert!(checked.errors().contains(&"endpoint_override AWS_ENDPOINT_URL".to_owned()), "{checked:?}");
}

#[test]
fn a_schedule_is_told_in_a_tag() {
    let aws = FakeSecretsManager::start();
    let place = account(&aws.endpoint_url());
    place.run("secrets setup-aws");
    let told = aws.calls(Operation::TagResource);
    assert!(told >= 10, "{told}");
    place.run("secrets setup-aws");
    assert_eq!(aws.calls(Operation::TagResource), told, "once is enough");
    place.run("secrets setup-aws --rotation-days 30");
    assert_eq!(aws.calls(Operation::TagResource), 2 * told, "another schedule is told anew");
}

/// An account with its secrets, and what `status` says of one.
fn ready() -> (FakeSecretsManager, Place) {
    let aws = FakeSecretsManager::start();
    let place = account(&aws.endpoint_url());
    assert_eq!(place.run("secrets setup-aws").code, 0);
    (aws, place)
}

fn step(place: &Place, name: &str) -> String {
    let status = place.run(&format!("secrets status {name} --json"));
    status.json()["rotations"][0]["step"].as_str().unwrap_or("none").to_owned()
}

fn labelled(aws: &FakeSecretsManager, label: &str) -> Option<String> {
    aws.text("test/rail/jwt-secret", label)
}

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
fn a_version_that_waits_is_found_by_a_check() {
    let (_aws, place) = ready();
    let pending = |place: &Place| {
        let ran = place.run("secrets check --profile development --json");
        let findings = ran.json()["findings"].as_array().unwrap().clone();
        findings.into_iter().filter(|finding| finding["rule"] == "pending").count()
    };
    assert_eq!(pending(&place), 0);
    place.run("secrets rotate jwt_secret");
    assert_eq!(pending(&place), 1);
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

#[test]
fn a_file_that_hides_a_secret_of_aws_is_told_by_explain_report_and_check() {
    let (_aws, place) = ready();
    let of_aws = place.run("secrets explain jwt_secret");
    assert!(!of_aws.out.contains("hides"), "{of_aws:?}");
    place.plant("jwt_secret", "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=", 0o444);
    let directory = place.path("secrets").to_string_lossy().into_owned();
    let hidden = "another value in AWS secret test/rail/jwt-secret";
    let explained = place.run(&format!("secrets explain jwt_secret --directory {directory}"));
    assert!(explained.out.contains(hidden), "{explained:?}");
    let report = place.run(&format!("secrets report --directory {directory}"));
    let line = report.out.lines().find(|line| line.starts_with("jwt_secret")).unwrap();
    assert!(line.contains("hides another"), "{line}");
    let checked = place.run(&format!("secrets check --directory {directory} --json"));
    let findings = checked.json()["findings"].as_array().unwrap().clone();
    let drift = findings.iter().find(|finding| finding["rule"] == "drift").unwrap();
    assert_eq!((&drift["subject"], &drift["severity"]), (&"jwt_secret".into(), &"warning".into()), "{drift}");
}

#[test]
fn a_secret_that_is_not_in_aws_is_changed_where_it_is_kept() {
    let (aws, place) = ready();
    place.plant("jwt_secret", "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=", 0o444);
    let puts = aws.calls(Operation::PutSecretValue);
    let directory = place.path("secrets").to_string_lossy().into_owned();
    let refused = place.run(&format!("secrets rotate jwt_secret --directory {directory}"));
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("investiq secrets init --replace jwt_secret"), "{refused:?}");
    assert_eq!(aws.calls(Operation::PutSecretValue), puts);
}

#[test]
fn a_deleted_secret_comes_back_within_its_window() {
    let (aws, place) = ready();
    assert_eq!(place.run("secrets delete session_key --days 3").code, 1, "AWS keeps it for 7 days at least");
    assert_eq!(place.run("secrets delete session_key --dry-run").code, 0);
    assert_eq!(place.run("secrets delete session_key").code, 0);
    let again = place.run("secrets setup-aws");
    assert!(again.out.contains("deleted   session_key: investiq secrets restore session_key"), "{again:?}");
    assert_eq!(place.run("secrets restore session_key").code, 0);
    assert!(aws.text("test/rail/session-key", "AWSCURRENT").is_some());
    assert_eq!(place.run("secrets delete session_key --for-good jwt_secret").code, 1);
    assert_eq!(place.run("secrets delete session_key --for-good session_key").code, 0);
    aws.advance(Duration::from_secs(60));
    assert_eq!(place.run("secrets restore session_key").code, 2);
}
