//! Secrets in AWS Secrets Manager: set up, interrupted, hidden, deleted, restored.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use tests::emulators::{Ministack, Moto};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, Fault, Operation, SECRET_ACCESS_KEY};

use crate::command::Place;

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

/// An account with its secrets, and what `status` says of one.
pub(crate) fn ready() -> (FakeSecretsManager, Place) {
    let aws = FakeSecretsManager::start();
    let place = account(&aws.endpoint_url());
    assert_eq!(place.run("secrets setup-aws").code, 0);
    (aws, place)
}

pub(crate) fn step(place: &Place, name: &str) -> String {
    let status = place.run(&format!("secrets status {name} --json"));
    status.json()["rotations"][0]["step"].as_str().unwrap_or("none").to_owned()
}

pub(crate) fn labelled(aws: &FakeSecretsManager, label: &str) -> Option<String> {
    aws.text("test/rail/jwt-secret", label)
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
