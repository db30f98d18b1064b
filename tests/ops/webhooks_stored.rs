//! Stored events: listed, shown, replayed, requeued, redacted, and their signatures tested.

use serde_json::Value;

use crate::command::{CommandResult, Workspace};
use crate::fixture::Fixture;

const SENT: [&str; 4] =
    ["alpaca/nta/deposit", "alpaca/trade/new", "bridge/transfer.created", "circle/direct/webhooks.test"];

/// A server with four applied events.
fn fixture() -> Fixture {
    let fixture = Fixture::start();
    for sample in SENT {
        assert_eq!(fixture.outcome(&format!("--sample {sample}")).1, "stored");
    }
    fixture.wait_until_applied();
    fixture
}

fn events(result: &CommandResult) -> Vec<Value> {
    result.json()["events"].as_array().unwrap().clone()
}

/// Actions and actors of the audit chain, in order.
fn audit_entries(workspace: &Workspace) -> Vec<(String, String)> {
    let export = workspace.run("audit export");
    assert_eq!(export.exit_code, 0, "{export:?}");
    let lines = export.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let entries = lines.filter(|line| line["sequence"].is_u64());
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    entries.map(|entry| (text(&entry, "action"), text(&entry, "actor"))).collect()
}

#[test]
fn events_are_filtered() {
    let fixture = fixture();
    let count = |conditions: &str| {
        events(&fixture.workspace.run(&format!("webhooks list {conditions} --json"))).len()
    };
    for (conditions, expected) in [
        ("", 4),
        ("--provider alpaca", 2),
        ("--channel alpaca/nta", 1),
        ("--channel circle/direct", 1),
        ("--type transfer.created", 1),
        ("--status done", 4),
        ("--status dead", 0),
        ("--since 2000-01-01T00:00:00Z", 4),
        ("--until 2000-01-01T00:00:00Z", 0),
        ("--provider alpaca --type trade.new --status done", 1),
        ("--resource 904837e3-3b76-47ec-b432-046db621571b/AAPL", 1),
        ("--limit 3", 3),
        ("--before 3", 2),
    ] {
        assert_eq!(count(conditions), expected, "{conditions}");
    }
    let table = fixture.workspace.run("webhooks list --limit 1");
    assert!(table.stdout.starts_with("ID ") && table.stdout.contains("webhooks.test"), "{table:?}");
    assert!(table.stderr.contains("--before 4"), "{table:?}");
    for invalid in ["--status lost", "--since yesterday", "--channel nowhere", "--limit 0"] {
        assert_eq!(fixture.workspace.run(&format!("webhooks list {invalid}")).exit_code, 1, "{invalid}");
    }
}

#[test]
fn an_event_is_shown_with_its_signature_and_without_its_body() {
    let fixture = fixture();
    let shown = fixture.workspace.run("webhooks show 3 --json").json();
    assert_eq!(shown["event"]["event_type"], "transfer.created", "{shown}");
    assert_eq!(shown["jobs"].as_array().unwrap().len(), 1);
    let header = shown["headers"]["x-webhook-signature"].as_str().unwrap();
    assert!(header.starts_with("t="), "{header}");
    let body = fixture.workspace.run("webhooks show 3 --body");
    assert_eq!(body.json()["event_type"], "transfer.created");
    let text = fixture.workspace.run("webhooks show 3");
    assert!(!text.stdout.contains("awaited") && !text.stdout.contains("client_reference_id"), "{text:?}");
    let sum = std::process::Command::new("bash")
        .args(["-c", "printf %s \"$0\" | sha256sum", &body.stdout])
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(sum.split(' ').next().unwrap(), shown["body_sha256"].as_str().unwrap());
    assert_eq!(fixture.workspace.run("webhooks show 99").exit_code, 2);
}

#[test]
fn a_replay_has_a_dry_run_is_audited_and_leaves_the_event_unchanged() {
    let fixture = fixture();
    let before = fixture.workspace.run("webhooks show 1 --json").json();
    let replay =
        |arguments: &str| fixture.workspace.run(&format!("webhooks replay {arguments} --json")).json();
    for (which, expected) in [
        ("1 2", 2),
        ("--provider alpaca", 2),
        ("--type transfer.created --status done", 1),
        ("--until 2000-01-01T00:00:00Z", 0),
        ("--all", 4),
        ("99", 0),
    ] {
        let dry_run = replay(&format!("{which} --dry-run"));
        assert_eq!((&dry_run["dry_run"], &dry_run["events"]), (&true.into(), &expected.into()), "{which}");
    }
    let audited_before = audit_entries(&fixture.workspace).len();
    assert_eq!(replay("--provider alpaca")["events"], 2);
    fixture.wait_until_applied();
    let after = fixture.workspace.run("webhooks show 1 --json").json();
    let causes: Vec<&str> =
        after["jobs"].as_array().unwrap().iter().map(|job| job["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["replay", "received"], "latest first");
    assert_eq!(after["jobs"][1], before["jobs"][0], "earlier jobs are unchanged");
    for field in ["dedupe_key", "headers", "body_sha256", "signed_at", "key_id", "body_bytes"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let actions = audit_entries(&fixture.workspace);
    assert!(actions.len() > audited_before);
    let replays: Vec<_> = actions.iter().filter(|(action, _)| action == "webhooks.replay").collect();
    assert!(matches!(&replays[..], [(_, actor)] if actor.starts_with("operator:")), "{actions:?}");
    assert_eq!(fixture.workspace.run("webhooks replay").exit_code, 1, "never everything by accident");
}

#[test]
fn the_operator_is_named_in_the_chain() {
    let mut fixture = fixture();
    // Not the name in the environment, which anybody can set.
    fixture.workspace = fixture.workspace.set("USER", "ana");
    assert_eq!(fixture.workspace.run("webhooks replay 1").exit_code, 0);
    let actors: Vec<String> = audit_entries(&fixture.workspace).into_iter().map(|(_, actor)| actor).collect();
    let operator = crate::journals::operator(&fixture);
    assert!(actors.contains(&operator), "{operator}: {actors:?}");
}

#[test]
fn dead_letters_are_listed_and_requeued() {
    let mut fixture = fixture();
    fixture.stop();
    fixture.sql("UPDATE webhook_jobs SET state = 'dead', attempts = 12, last_error = 'no such account' WHERE event_id IN (2, 3)");
    let listed = fixture.workspace.run("webhooks dead-letter list --json").json();
    let letters = listed["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0]["event"]["reason"], "no such account", "{listed}");
    let job = letters[0]["job"].as_str().unwrap();
    let requeue =
        |which: &str| fixture.workspace.run(&format!("webhooks dead-letter requeue {which} --json")).json();
    assert_eq!(requeue("--all --dry-run")["events"], 2);
    assert_eq!(requeue(&format!("{job} --dry-run"))["events"], 1);
    assert_eq!(requeue(job)["events"], 1);
    assert_eq!(requeue(job)["events"], 0, "it is requeued once");
    let waiting = events(&fixture.workspace.run("webhooks list --status pending --json"));
    assert_eq!((waiting.len(), &waiting[0]["attempts"]), (1, &0.into()), "its attempts start again");
    assert_eq!(requeue("--all")["events"], 1);
    assert!(audit_entries(&fixture.workspace).iter().any(|(action, _)| action == "webhooks.requeue"));
    assert_eq!(fixture.workspace.run("webhooks dead-letter requeue").exit_code, 1);
}

#[test]
fn retention_deletes_bodies_and_keeps_hashes() {
    let mut fixture = fixture();
    fixture.stop();
    let day_us = 24 * 60 * 60 * 1_000_000_i64;
    fixture
        .sql(&format!("UPDATE webhook_events SET received_at = received_at - {} WHERE id = 1", 400 * day_us));
    fixture
        .sql(&format!("UPDATE webhook_events SET received_at = received_at - {} WHERE id = 3", 40 * day_us));
    let retain = |arguments: &str| {
        let result = fixture.workspace.run(&format!("webhooks retention {arguments} --json")).json();
        let providers = result["providers"].as_array().unwrap().clone();
        let line =
            |line: &Value| (line["provider"].as_str().unwrap().to_owned(), line["events"].as_u64().unwrap());
        providers.iter().map(line).collect::<Vec<_>>()
    };
    let line = |provider: &str, events| (provider.to_owned(), events);
    let expected = [line("alpaca", 1), line("bridge", 0), line("circle", 0)];
    assert_eq!(retain("--dry-run"), expected);
    assert_eq!(retain("--provider bridge --days 30 --dry-run"), [line("bridge", 1)]);
    let before = fixture.workspace.run("webhooks show 1 --json").json();
    assert_eq!(before["event"]["redacted_at"], Value::Null, "a dry run changes nothing");
    assert_eq!(retain(""), expected);
    assert_eq!(retain(""), [line("alpaca", 0), line("bridge", 0), line("circle", 0)]);
    let after = fixture.workspace.run("webhooks show 1 --json").json();
    assert!(after["event"]["redacted_at"].is_string(), "{after}");
    assert_eq!((&after["body_bytes"], &after["headers"]), (&0.into(), &serde_json::json!({})));
    assert_eq!(after["body_sha256"], before["body_sha256"]);
    assert_eq!(fixture.workspace.run("webhooks show 1 --body").exit_code, 2);
    assert_eq!(
        fixture.workspace.run("webhooks replay 1 --dry-run --json").json()["events"],
        0,
        "there is nothing to apply"
    );
    assert!(audit_entries(&fixture.workspace).iter().any(|(action, _)| action == "webhooks.redact"));
    assert_eq!(fixture.workspace.run("webhooks retention --days 1").exit_code, 1, "--days needs a provider");
}

#[test]
fn a_tested_signature_names_the_failing_step() {
    let workspace = Fixture::start().workspace;
    std::fs::write(
        workspace.path("body.json"),
        "{\"event_id\":\"wh_1\",\"event_type\":\"customer.created\"}",
    )
    .unwrap();
    // openssl signs, as docs/webhooks.md shows.
    let sign = "t=$(date +%s); mac=$({ printf '%s.' $t; cat body.json; } | openssl dgst -sha256 -hmac \"$(cat webhook-keys/alpaca_webhook_secret)\" | sed 's/.* //'); printf 'POST / HTTP/1.1\\nAlpaca-Signature: t=%s,v1=%s\\n' $t $mac >headers";
    let status =
        std::process::Command::new("bash").args(["-c", sign]).current_dir(workspace.path("")).status();
    assert!(status.unwrap().success());
    let test = |arguments: &str| {
        let result = workspace
            .run(&format!("webhooks test-signature --file body.json --headers headers {arguments} --json"));
        let json = result.json();
        (
            result.exit_code,
            json["step"].as_str().map(str::to_owned),
            json["reason"].as_str().map(str::to_owned),
        )
    };
    let failed = |step: &str, reason: &str| (3, Some(step.to_owned()), Some(reason.to_owned()));
    assert_eq!(test("--channel alpaca/trade"), (0, None, None));
    assert_eq!(test("--channel alpaca/trade --at 2000-01-01T00:00:00Z"), failed("freshness", "future"));
    assert_eq!(test("--channel alpaca/trade --at 2100-01-01T00:00:00Z"), failed("freshness", "stale"));
    assert_eq!(test("--channel bridge"), failed("parse", "missing"));
    std::fs::write(workspace.path("body.json"), "{}").unwrap();
    assert_eq!(test("--channel alpaca/trade"), failed("signature", "signature"));
    let secret = std::fs::read_to_string(workspace.path("webhook-keys/alpaca_webhook_secret")).unwrap();
    let result =
        workspace.run("webhooks test-signature --file body.json --headers headers --channel alpaca/trade");
    assert!(!result.stdout.contains(secret.trim()) && !result.stderr.contains(secret.trim()), "{result:?}");
    assert!(result.stdout.starts_with("rejected at step signature: "), "{result:?}");
}

#[test]
fn without_a_database_no_command_creates_one() {
    let workspace = Workspace::new();
    for command in [
        "webhooks list",
        "webhooks replay --all",
        "webhooks retention",
        "audit verify",
        "audit export",
        "audit checkpoint",
    ] {
        let result = workspace.run(command);
        assert_eq!(result.exit_code, 2, "{command}: {result:?}");
        assert!(result.stderr.contains("database data/investiq.db does not exist"), "{command}: {result:?}");
    }
    assert!(!workspace.path("data").exists());
    let production = Workspace::new().set("INVESTIQ_PROFILE", "production");
    assert_eq!(production.run("webhooks list").exit_code, 2);
}

#[test]
fn no_command_prints_a_key_in_use() {
    let fixture = fixture();
    let mut keys = Vec::new();
    for directory in ["secrets", "webhook-keys"] {
        for file in std::fs::read_dir(fixture.workspace.path(directory)).unwrap().map(Result::unwrap) {
            let text = std::fs::read_to_string(file.path()).unwrap();
            // The longest line: of a PEM a line of its Base64.
            let line = text.lines().max_by_key(|line| line.len()).unwrap().to_owned();
            keys.push((file.file_name(), line));
        }
    }
    std::fs::write(fixture.workspace.path("headers"), "alpaca-signature: t=1,v1=00").unwrap();
    std::fs::write(fixture.workspace.path("body"), "{}").unwrap();
    let test_signature = "webhooks test-signature --file body --headers headers --channel";
    for run in [
        "webhooks list --json",
        "webhooks show 1",
        "webhooks show 2 --json",
        "webhooks replay 1 --json",
        "webhooks dead-letter list",
        "webhooks retention --json",
        "audit checkpoint",
        "audit export",
        "audit verify --json",
        &format!("{test_signature} alpaca/trade"),
        &format!("{test_signature} bridge"),
        "config check development --resolve --json",
    ] {
        let result = fixture.workspace.run(run);
        for (name, key) in &keys {
            assert!(!result.stdout.contains(key) && !result.stderr.contains(key), "{run} prints {name:?}");
        }
    }
    let result = fixture.send("--sample bridge/transfer.created --tamper signature --json");
    let log = fixture.log();
    for (name, key) in &keys {
        assert!(!result.stdout.contains(key) && !log.contains(key), "{name:?}");
    }
}
