//! Secrets in AWS Secrets Manager: setup, interruption, shadowing, deletion, restoration.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use tests::emulators::{Ministack, Moto};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, Fault, Operation, SECRET_ACCESS_KEY};

use crate::command::Workspace;

/// A workspace with an AWS account in its environment.
pub(crate) fn account(endpoint: &str) -> Workspace {
    let workspace = Workspace::new();
    let home = workspace.path("").to_string_lossy().into_owned();
    workspace
        .set("HOME", &home)
        .set("INVESTIQ_PROFILE", "development")
        .set("SECRET_PREFIX", "test/rail")
        .set("AWS_REGION", "us-east-1")
        .set("AWS_ENDPOINT_URL", endpoint)
        .set("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
}

/// The secrets of a `setup-aws --json` run with this outcome.
fn count(result: &crate::command::CommandResult, outcome: &str) -> usize {
    let json = result.json();
    json["secrets"].as_array().unwrap().iter().filter(|line| line["outcome"] == outcome).count()
}

/// Sets up, interrupted once and repeated.
fn set_up(endpoint: &str) {
    let workspace = account(endpoint);
    let dry_run = workspace.run("secrets setup-aws --dry-run --json");
    assert_eq!(dry_run.exit_code, 0, "{dry_run:?}");
    let total = count(&dry_run, "created");
    assert!(total >= 3, "{dry_run:?}");

    // Killed after its second secret.
    let mut child = workspace.command(&["secrets", "setup-aws"]).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        progress.any(|line| line.unwrap().replace(' ', "").starts_with("[2/")),
        "it reports its progress"
    );
    child.kill().unwrap();
    child.wait().unwrap();

    let finished = workspace.run("secrets setup-aws --json");
    assert_eq!(finished.exit_code, 0, "{finished:?}");
    let (kept, created) = (count(&finished, "kept"), count(&finished, "created"));
    assert_eq!(kept + created, total, "{finished:?}");
    let repeated = workspace.run("secrets setup-aws --json");
    assert_eq!((count(&repeated, "kept"), count(&repeated, "created")), (total, 0), "{repeated:?}");

    let report = workspace.run("secrets report --json").json();
    let of =
        |name: &str| report["secrets"].as_array().unwrap().iter().find(|line| line["name"] == name).unwrap();
    let source = of("audit_key")["source"].as_str().unwrap().to_owned();
    assert!(source.contains("AWS secret test/rail/audit-key"), "{source}");
    assert!(of("audit_key")["version"].as_str().is_some_and(|version| version.len() >= 32));
    assert_eq!(workspace.run("secrets audit").exit_code, 0);
}

pub(crate) fn account_with_secrets() -> (FakeSecretsManager, Workspace) {
    let aws = FakeSecretsManager::start();
    let workspace = account(&aws.endpoint_url());
    assert_eq!(workspace.run("secrets setup-aws").exit_code, 0);
    (aws, workspace)
}

pub(crate) fn step(workspace: &Workspace, name: &str) -> String {
    let status = workspace.run(&format!("secrets status {name} --json"));
    status.json()["rotations"][0]["step"].as_str().unwrap_or("none").to_owned()
}

/// A secret that we issue, and that is verified with; its previous value is accepted for a day.
pub(crate) const ROTATED: &str = "alpaca_webhook_secret";

pub(crate) fn labelled(aws: &FakeSecretsManager, label: &str) -> Option<String> {
    aws.text("test/rail/alpaca-webhook-secret", label)
}

#[test]
fn the_fake_is_set_up_in_any_number_of_runs() {
    let aws = FakeSecretsManager::start();
    set_up(&aws.endpoint_url());
    for name in ["test/rail/audit-key", "test/rail/api-keys"] {
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
fn a_lost_response_creates_no_second_version() {
    let aws = FakeSecretsManager::start();
    let faults = [Fault::LostResponse, Fault::Throttle, Fault::LostResponse, Fault::InternalError];
    aws.next(Operation::CreateSecret, faults);
    let workspace = account(&aws.endpoint_url());
    // What the client's retries do not overcome, the next run does.
    let runs = (1..=5).find(|_| workspace.run("secrets setup-aws").exit_code == 0);
    assert!(runs.is_some(), "{:?}", workspace.run("secrets setup-aws"));
    assert!(aws.calls(Operation::CreateSecret) > 4, "every fault occurred");
    for name in ["alpaca-webhook-secret", "api-keys", "audit-key"] {
        assert_eq!(aws.label_states(&format!("test/rail/{name}")).len(), 1, "{name}");
    }
}

#[test]
fn a_failing_service_ends_the_run_and_the_next_run_continues() {
    let aws = FakeSecretsManager::start();
    let workspace = account(&aws.endpoint_url());
    aws.always(Operation::CreateSecret, Fault::AccessDenied);
    let result = workspace.run("secrets setup-aws");
    assert_eq!(result.exit_code, 2, "{result:?}");
    aws.clear_faults();
    assert_eq!(workspace.run("secrets setup-aws").exit_code, 0);
}

#[test]
fn credentials_are_verified_before_anything_is_changed() {
    let aws = FakeSecretsManager::start();
    aws.accept(&["AKIDUNKNOWN000000001"]);
    let workspace = account(&aws.endpoint_url());
    for command in
        ["secrets setup-aws", "secrets rotate audit_key", "secrets emergency audit_key --reason leak"]
    {
        let result = workspace.run(command);
        assert_eq!(result.exit_code, 2, "{command}: {result:?}");
        assert!(result.stderr.contains("was denied"), "{result:?}");
    }
    let changes = [Operation::CreateSecret, Operation::PutSecretValue, Operation::UpdateSecretVersionStage];
    assert!(changes.iter().all(|operation| aws.calls(*operation) == 0));
}

#[test]
fn without_a_prefix_or_with_an_emulator_in_production_no_request_is_sent() {
    let aws = FakeSecretsManager::start();
    let production = account(&aws.endpoint_url()).set("INVESTIQ_PROFILE", "production");
    let rejected = production.run("secrets setup-aws");
    assert_eq!(rejected.exit_code, 2, "{rejected:?}");
    let without_prefix = account(&aws.endpoint_url()).set("SECRET_PREFIX", "");
    assert_eq!(without_prefix.run("secrets setup-aws").exit_code, 2);
    assert_eq!(aws.calls_total(), 0);
    let checked = production.run("secrets check --json");
    assert!(checked.errors().contains(&"config secrets".to_owned()), "{checked:?}");
    assert!(checked.warnings().contains(&"endpoint_override AWS_ENDPOINT_URL".to_owned()), "{checked:?}");
}

#[test]
fn a_schedule_is_stored_in_a_tag() {
    let aws = FakeSecretsManager::start();
    let workspace = account(&aws.endpoint_url());
    workspace.run("secrets setup-aws");
    let calls = aws.calls(Operation::TagResource);
    assert!(calls >= 3, "{calls}");
    workspace.run("secrets setup-aws");
    assert_eq!(aws.calls(Operation::TagResource), calls, "an unchanged schedule is not stored again");
    workspace.run("secrets setup-aws --rotation-days 30");
    assert_eq!(aws.calls(Operation::TagResource), 2 * calls, "another schedule is stored");
}

#[test]
fn a_pending_version_is_found_by_a_check() {
    let (_aws, workspace) = account_with_secrets();
    let pending = |workspace: &Workspace| {
        let result = workspace.run("secrets check --profile development --json");
        let findings = result.json()["findings"].as_array().unwrap().clone();
        findings.into_iter().filter(|finding| finding["rule"] == "pending").count()
    };
    assert_eq!(pending(&workspace), 0);
    workspace.run("secrets rotate audit_key");
    assert_eq!(pending(&workspace), 1);
}

#[test]
fn a_file_that_shadows_an_aws_secret_is_shown_by_explain_report_and_check() {
    let (_aws, workspace) = account_with_secrets();
    let of_aws = workspace.run("secrets explain audit_key");
    assert!(!of_aws.stdout.contains("shadows"), "{of_aws:?}");
    workspace.write_secret("audit_key", "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=", 0o444);
    let directory = workspace.path("secrets").to_string_lossy().into_owned();
    let hidden = "another value in AWS secret test/rail/audit-key";
    let explained = workspace.run(&format!("secrets explain audit_key --directory {directory}"));
    assert!(explained.stdout.contains(hidden), "{explained:?}");
    let report = workspace.run(&format!("secrets report --directory {directory}"));
    let line = report.stdout.lines().find(|line| line.starts_with("audit_key")).unwrap();
    assert!(line.contains("shadows another"), "{line}");
    let checked = workspace.run(&format!("secrets check --directory {directory} --json"));
    let findings = checked.json()["findings"].as_array().unwrap().clone();
    let drift = findings.iter().find(|finding| finding["rule"] == "drift").unwrap();
    assert_eq!((&drift["subject"], &drift["severity"]), (&"audit_key".into(), &"warning".into()), "{drift}");
}

#[test]
fn a_secret_outside_aws_is_not_rotated_in_aws() {
    let (aws, workspace) = account_with_secrets();
    workspace.write_secret("audit_key", "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=", 0o444);
    let puts = aws.calls(Operation::PutSecretValue);
    let directory = workspace.path("secrets").to_string_lossy().into_owned();
    let rejected = workspace.run(&format!("secrets rotate audit_key --directory {directory}"));
    assert_eq!(rejected.exit_code, 2, "{rejected:?}");
    assert!(rejected.stderr.contains("investiq secrets init --replace audit_key"), "{rejected:?}");
    assert_eq!(aws.calls(Operation::PutSecretValue), puts);
}

#[test]
fn a_deleted_secret_comes_back_within_its_window() {
    let (aws, workspace) = account_with_secrets();
    assert_eq!(
        workspace.run("secrets delete alpaca_webhook_secret --days 3").exit_code,
        1,
        "AWS keeps it for 7 days at least"
    );
    assert_eq!(workspace.run("secrets delete alpaca_webhook_secret --dry-run").exit_code, 0);
    assert_eq!(workspace.run("secrets delete alpaca_webhook_secret").exit_code, 0);
    let setup = workspace.run("secrets setup-aws");
    assert!(
        setup
            .stdout
            .contains("deleted   alpaca_webhook_secret: investiq secrets restore alpaca_webhook_secret"),
        "{setup:?}"
    );
    assert_eq!(workspace.run("secrets restore alpaca_webhook_secret").exit_code, 0);
    assert!(aws.text("test/rail/alpaca-webhook-secret", "AWSCURRENT").is_some());
    assert_eq!(workspace.run("secrets delete alpaca_webhook_secret --for-good api_keys").exit_code, 1);
    assert_eq!(
        workspace.run("secrets delete alpaca_webhook_secret --for-good alpaca_webhook_secret").exit_code,
        0
    );
    aws.advance(Duration::from_secs(60));
    assert_eq!(workspace.run("secrets restore alpaca_webhook_secret").exit_code, 2);
}

#[test]
fn a_key_that_is_needed_for_stored_data_is_not_deleted() {
    let (aws, workspace) = account_with_secrets();
    for arguments in ["--days 7", "--for-good audit_key"] {
        let refused = workspace.run(&format!("secrets delete audit_key {arguments}"));
        assert_eq!(refused.exit_code, 2, "{refused:?}");
        assert!(refused.stderr.contains("cannot be deleted"), "{refused:?}");
    }
    assert_eq!(aws.calls(Operation::DeleteSecret), 0);
}
