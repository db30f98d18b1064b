//! Rotations in AWS Secrets Manager: their steps, rollback, interruption, emergencies and errors.

use tests::secrets_manager::{Fault, Operation};

use crate::aws::{ROTATED, account, account_with_secrets, labelled, step};
use crate::command::CANARY;

#[test]
fn a_rotation_goes_from_step_to_step_and_back() {
    let (aws, workspace) = account_with_secrets();
    let old = labelled(&aws, "AWSCURRENT").unwrap();
    let started = workspace.run("secrets rotate alpaca_webhook_secret");
    assert_eq!(started.exit_code, 0, "{started:?}");
    let new = labelled(&aws, "AWSPENDING").unwrap();
    assert_eq!(
        (labelled(&aws, "AWSCURRENT").as_ref(), step(&workspace, "alpaca_webhook_secret").as_str()),
        (Some(&old), "announced")
    );
    assert_eq!(workspace.run("secrets rotate alpaca_webhook_secret").exit_code, 5, "one is in progress");
    assert_eq!(
        workspace.run("secrets resume alpaca_webhook_secret").exit_code,
        2,
        "it may not have reached every process"
    );
    assert_eq!(workspace.run("secrets rollback alpaca_webhook_secret").exit_code, 2, "nothing was promoted");

    let promoted = workspace.run("secrets resume alpaca_webhook_secret --reported");
    assert_eq!(
        (promoted.exit_code, step(&workspace, "alpaca_webhook_secret").as_str()),
        (0, "promoted"),
        "{promoted:?}"
    );
    assert_eq!(
        (labelled(&aws, "AWSCURRENT"), labelled(&aws, "AWSPREVIOUS")),
        (Some(new.clone()), Some(old.clone()))
    );
    assert_eq!(
        workspace.run("secrets retire alpaca_webhook_secret --unused").exit_code,
        2,
        "the overlap is not over"
    );
    assert_eq!(workspace.run("secrets abort alpaca_webhook_secret").exit_code, 2, "it was promoted");

    let rollback = workspace.run("secrets rollback alpaca_webhook_secret");
    assert_eq!(rollback.exit_code, 0, "{rollback:?}");
    assert_eq!(labelled(&aws, "AWSCURRENT"), Some(old));
    aws.assert_one_current("test/rail/alpaca-webhook-secret");
    assert_eq!(workspace.run("secrets audit").exit_code, 0);
}

#[test]
fn due_secrets_that_we_generate_are_rotated_together() {
    // The fake's clock is at the beginning of 2026, so that everything is overdue.
    let (aws, workspace) = account_with_secrets();
    assert_eq!(workspace.run("secrets rotate").exit_code, 1);
    let due = || workspace.run("secrets rotate --due --json");
    let steps = |result: &crate::command::CommandResult| {
        let rotations = result.json()["rotations"].as_array().unwrap().clone();
        let pair = |line: &serde_json::Value| (line["name"].clone(), line["step"].clone());
        rotations.iter().map(pair).collect::<Vec<_>>()
    };
    let started = due();
    assert_eq!((started.exit_code, steps(&started)), (0, vec![("audit_key".into(), "announced".into())]));
    assert!(aws.text("test/rail/audit-key", "AWSPENDING").is_some());
    assert_eq!(steps(&due()), [("audit_key".into(), serde_json::Value::Null)], "it is in progress");
}

#[test]
fn no_rotation_loses_an_audit_key() {
    let (aws, workspace) = account_with_secrets();
    let keys = || aws.text("test/rail/audit-key", "AWSCURRENT").unwrap();
    let run = |arguments: &str| {
        let result = workspace.run(arguments);
        assert_eq!(result.exit_code, 0, "{arguments}: {result:?}");
        result
    };
    for _ in 0..2 {
        let before = keys();
        run("secrets rotate audit_key");
        let next = run("secrets resume audit_key --reported").stdout;
        assert!(next.contains("secrets retire audit_key --unused"), "{next}");
        assert!(keys().ends_with(&format!("\n{before}")), "newest first");
        assert_eq!(workspace.run("secrets rollback audit_key").exit_code, 2);
        run("secrets retire audit_key --unused");
    }
    let before = keys();
    run("secrets emergency audit_key --reason leaked");
    assert!(keys().ends_with(&format!("\n{before}")));
    let before = keys();
    let set = workspace.run_with_input(
        "secrets set audit_key --to aws --stdin --replace",
        "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=",
    );
    assert_eq!(set.exit_code, 0, "{set:?}");
    assert_eq!((keys().lines().count(), keys().ends_with(&before)), (5, true));
}

#[test]
fn an_aborted_rotation_leaves_no_trace() {
    let (aws, workspace) = account_with_secrets();
    let old = labelled(&aws, "AWSCURRENT");
    workspace.run("secrets rotate alpaca_webhook_secret");
    let aborted = workspace.run("secrets abort alpaca_webhook_secret");
    assert_eq!(
        (aborted.exit_code, step(&workspace, "alpaca_webhook_secret").as_str()),
        (0, "none"),
        "{aborted:?}"
    );
    assert_eq!((labelled(&aws, "AWSCURRENT"), labelled(&aws, "AWSPENDING")), (old, None));
    assert_eq!(
        workspace.run("secrets rotate alpaca_webhook_secret").exit_code,
        0,
        "the next rotation can begin"
    );
}

#[test]
fn a_rotation_from_elsewhere_is_shown_and_can_be_aborted() {
    let (aws, workspace) = account_with_secrets();
    let elsewhere = account(&aws.endpoint_url());
    assert_eq!(elsewhere.run("secrets rotate alpaca_webhook_secret").exit_code, 0);
    assert!(workspace.run("secrets status").stdout.contains("started elsewhere"));
    assert_eq!(workspace.run("secrets rotate alpaca_webhook_secret").exit_code, 5);
    assert_eq!(workspace.run("secrets abort alpaca_webhook_secret").exit_code, 2, "its plan is not here");
    assert_eq!(workspace.run("secrets abort alpaca_webhook_secret --foreign").exit_code, 0);
    assert_eq!(labelled(&aws, "AWSPENDING"), None);
}

#[test]
fn an_interrupted_rotation_is_resumed() {
    let (aws, workspace) = account_with_secrets();
    for operation in
        [Operation::PutSecretValue, Operation::DescribeSecret, Operation::UpdateSecretVersionStage]
    {
        aws.always(operation, Fault::InternalError);
        assert_ne!(workspace.run("secrets rotate audit_key").exit_code, 0);
        aws.clear_faults();
        let resumed = workspace.run("secrets resume audit_key");
        // When the first operation fails, there may be no plan yet.
        if resumed.exit_code == 2 {
            assert_eq!(workspace.run("secrets rotate audit_key").exit_code, 0);
        }
        assert_eq!(step(&workspace, "audit_key"), "announced", "{operation:?}");
        assert_eq!(workspace.run("secrets abort audit_key").exit_code, 0);
    }
    aws.assert_one_current("test/rail/audit-key");
}

#[test]
fn a_lost_input_value_is_not_replaced_by_a_generated_one() {
    let (aws, workspace) = account_with_secrets();
    let list = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1:trader";
    for (name, value) in [("api_keys", list), (ROTATED, "a shared secret, Zx7kQp2vWn9")] {
        let id = format!("test/rail/{}", name.replace('_', "-"));
        aws.always(Operation::PutSecretValue, Fault::InternalError);
        assert_eq!(workspace.run_with_input(&format!("secrets rotate {name} --stdin"), value).exit_code, 4);
        aws.clear_faults();
        let resumed = workspace.run(&format!("secrets resume {name}"));
        assert_eq!(resumed.exit_code, 2, "{resumed:?}");
        assert!(resumed.stderr.contains(&format!("secrets abort {name}")), "{resumed:?}");
        assert_eq!(aws.text(&id, "AWSPENDING"), None);
        assert_eq!(workspace.run(&format!("secrets abort {name}")).exit_code, 0);
        // Stored, but the response is lost: the rotation continues with the stored value.
        aws.next(Operation::PutSecretValue, [Fault::LostResponse]);
        aws.always(Operation::PutSecretValue, Fault::InternalError);
        workspace.run_with_input(&format!("secrets rotate {name} --stdin"), value);
        aws.clear_faults();
        assert_eq!(workspace.run(&format!("secrets resume {name}")).exit_code, 0);
        assert_eq!(aws.text(&id, "AWSPENDING").as_deref(), Some(value));
    }
}

#[test]
fn replacing_a_key_in_one_step_warns() {
    let (_aws, workspace) = account_with_secrets();
    let key = "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=";
    let result =
        workspace.run_with_input("secrets set alpaca_webhook_secret --to aws --stdin --replace", key);
    assert_eq!(result.exit_code, 0, "{result:?}");
    assert!(result.stderr.contains("warning: every process has it within 330 s"), "{result:?}");
    let vendor = workspace.run_with_input("secrets set polygon_api_key --to aws --stdin --replace", CANARY);
    assert!(!vendor.stderr.contains("warning"), "{vendor:?}");
}

#[test]
fn an_emergency_takes_effect_at_once_and_lists_what_breaks() {
    let (aws, workspace) = account_with_secrets();
    let old = labelled(&aws, "AWSCURRENT").unwrap();
    assert_eq!(workspace.run("secrets emergency alpaca_webhook_secret").exit_code, 1, "a reason is required");
    let dry_run = workspace.run("secrets emergency alpaca_webhook_secret --reason leaked --dry-run");
    assert!(dry_run.stderr.contains("what breaks"), "{dry_run:?}");
    assert_eq!(labelled(&aws, "AWSCURRENT"), Some(old.clone()));
    let result = workspace.run("secrets emergency alpaca_webhook_secret --reason leaked");
    assert_eq!(result.exit_code, 0, "{result:?}");
    assert_ne!(labelled(&aws, "AWSCURRENT"), Some(old));
    assert_eq!(step(&workspace, "alpaca_webhook_secret"), "none", "nothing is left to do");
    let record = std::fs::read_to_string(workspace.path(".local/state/investiq/audit.jsonl")).unwrap();
    assert!(record.contains("leaked"), "{record}");
}

#[test]
fn a_vendors_key_is_read_from_input_and_validated() {
    let (aws, workspace) = account_with_secrets();
    let of = |label| aws.text("test/rail/polygon-api-key", label);
    assert_eq!(workspace.run("secrets rotate polygon_api_key --stdin").exit_code, 2, "there is none yet");
    assert_eq!(workspace.run_with_input("secrets set polygon_api_key --to aws --stdin", CANARY).exit_code, 0);
    assert_eq!(of("AWSCURRENT").as_deref(), Some(CANARY));
    assert_eq!(
        workspace.run_with_input("secrets set polygon_api_key --to aws --stdin", CANARY).exit_code,
        2,
        "it exists"
    );
    let rotated =
        workspace.run_with_input("secrets rotate polygon_api_key --stdin", "another-9Qm3Xc6Vb9Nn2Ll5Kk7\n");
    assert_eq!(rotated.exit_code, 0, "{rotated:?}");
    assert_eq!(of("AWSPENDING").as_deref(), Some("another-9Qm3Xc6Vb9Nn2Ll5Kk7"));
    assert_eq!(
        workspace.run_with_input("secrets set polygon_api_key --to aws --stdin --replace", CANARY).exit_code,
        5
    );
    workspace.run("secrets abort polygon_api_key");
    let invalid = workspace.run_with_input("secrets rotate polygon_api_key --stdin", "two\nlines");
    assert_eq!((invalid.exit_code, of("AWSPENDING")), (2, None), "{invalid:?}");
}

#[test]
fn an_invalid_list_of_api_keys_changes_nothing() {
    let (aws, workspace) = account_with_secrets();
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
            let result = workspace.run_with_input(command, list);
            assert_eq!(result.exit_code, 2, "{command}: {result:?}");
            assert!(
                result.stderr.contains("API_KEYS: key ") && !result.stderr.contains("k7Vn2"),
                "{command}: {result:?}"
            );
        }
    }
    assert_eq!(changes(), before);
    assert_eq!(
        workspace.run("secrets status api_keys --json").json()["rotations"][0]["step"],
        serde_json::Value::Null
    );
}

#[test]
fn an_invalid_overlap_is_rejected() {
    let (aws, workspace) = account_with_secrets();
    workspace.run_with_input("secrets set polygon_api_key --to aws --stdin", CANARY);
    for (command, code) in [
        ("secrets rotate alpaca_webhook_secret --overlap 1m", 2),
        ("secrets rotate alpaca_webhook_secret --overlap 200h", 2),
        ("secrets rotate polygon_api_key --stdin --overlap 1h", 2),
        ("secrets rotate api_keys --overlap 200h", 2),
        ("secrets rotate api_keys --overlap -1h", 1),
        ("secrets rotate api_keys --overlap soon", 1),
        ("secrets rotate --due --overlap 24h", 1),
    ] {
        let result = workspace.run_with_input(command, "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
        assert_eq!(result.exit_code, code, "{command}: {result:?}");
    }
    assert_eq!(labelled(&aws, "AWSPENDING"), None);
    assert_eq!(workspace.run("secrets rotate alpaca_webhook_secret --overlap 2h").exit_code, 0);
}

#[test]
fn a_change_without_a_response_is_reported_as_uncertain() {
    let (aws, workspace) = account_with_secrets();
    aws.always(Operation::PutSecretValue, Fault::InternalError);
    let result = workspace.run("secrets rotate alpaca_webhook_secret");
    assert_eq!(result.exit_code, 4, "{result:?}");
    assert!(
        result.stderr.contains(
            "change of secret alpaca_webhook_secret in AWS secret test/rail/alpaca-webhook-secret in"
        ),
        "{result:?}"
    );
    assert!(!result.stderr.contains("could not be read"), "{result:?}");
}
