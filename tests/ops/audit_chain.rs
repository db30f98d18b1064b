//! Verification of the audit chain, in the database and in an export, after every kind of tampering.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::Workspace;
use crate::fixture::{Fixture, sql};

const DATABASE: &str = "data/investiq.db";
/// The Base64 of 32 bytes that are not the key of the fixture.
const OTHER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A chain with some entries; the server is stopped.
fn fixture() -> Fixture {
    let mut fixture = Fixture::start();
    for sample in ["alpaca/nta/deposit", "alpaca/trade/new", "bridge/transfer.created"] {
        assert_eq!(fixture.outcome(&format!("--sample {sample}")).1, "stored");
        fixture.wait_until_applied();
    }
    fixture.stop();
    fixture
}

fn copy(fixture: &Fixture, from: &str, to: &str) {
    // Includes the write-ahead log.
    sql(&fixture.workspace, from, "PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(fixture.workspace.path(from), fixture.workspace.path(to)).unwrap();
    for log in ["-wal", "-shm"] {
        drop(std::fs::remove_file(fixture.workspace.path(&format!("{to}{log}"))));
    }
}

fn verify(fixture: &Fixture, arguments: &str) -> (i32, Value) {
    let result = fixture.workspace.run(&format!("audit verify {arguments} --json"));
    (result.exit_code, result.json())
}

#[test]
fn an_intact_chain_and_its_export_verify() {
    let fixture = fixture();
    let (code, found) = verify(&fixture, "");
    let entries = found["entries"].as_u64().unwrap();
    assert!(code == 0 && entries >= 6, "{found}");
    assert_eq!(fixture.workspace.run("audit export --output chain.jsonl").exit_code, 0);
    assert_eq!(
        fixture.workspace.run("audit export --output chain.jsonl").exit_code,
        4,
        "an existing file is not overwritten"
    );
    let of_export = verify(&fixture, "--file chain.jsonl --key secrets/audit_key");
    assert_eq!((of_export.0, &of_export.1), (0, &found));
    // An independent verifier in Python agrees.
    let check = tests::workspace_root().join("crates/audit/tests/reference/verify.py");
    let python = std::process::Command::new("python3")
        .arg(check)
        .args(["chain.jsonl", "secrets/audit_key"])
        .current_dir(fixture.workspace.path(""))
        .output()
        .unwrap();
    let printed = String::from_utf8(python.stdout).unwrap();
    assert_eq!(
        printed.trim(),
        format!("intact: {entries} entries, the last is {}", found["hash"].as_str().unwrap())
    );
}

/// Waits for a line of the server's log.
fn wait_for_log(fixture: &Fixture, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fixture.log().contains(line) {
        assert!(Instant::now() < deadline, "{line} is not in the log:\n{}", fixture.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_audit_key_is_rotated_without_a_restart_and_entries_of_every_key_verify() {
    let mut fixture = Fixture::start_with(&[("SECRET_TTL_SECS", "1")]);
    let key = |fixture: &Fixture| fixture.workspace.run("audit checkpoint").json()["head"]["key"].clone();
    let send = |fixture: &Fixture| {
        let sent = fixture.send("--sample alpaca/nta/deposit --fresh-ids --count 20");
        assert_eq!(sent.exit_code, 0, "{sent:?}");
    };
    send(&fixture);
    let before = key(&fixture);
    let replaced = fixture.workspace.run("secrets init --replace audit_key");
    assert_eq!(replaced.exit_code, 0, "{replaced:?}");
    send(&fixture);
    wait_for_log(&fixture, "audit key changed");
    send(&fixture);
    let after = key(&fixture);
    assert!(before.is_string() && after != before, "{before} {after}");
    assert_eq!(verify(&fixture, "").0, 0);
    // A value that lacks the older keys is rejected, and the server goes on.
    let good = std::fs::read_to_string(fixture.workspace.path("secrets/audit_key")).unwrap();
    let alone = good.lines().next().unwrap();
    std::fs::remove_file(fixture.workspace.path("secrets/audit_key")).unwrap();
    fixture.workspace.write_secret("audit_key", alone, 0o444);
    wait_for_log(&fixture, "new audit key rejected");
    send(&fixture);
    std::fs::remove_file(fixture.workspace.path("secrets/audit_key")).unwrap();
    fixture.workspace.write_secret("audit_key", &good, 0o444);
    fixture.wait_until_applied();
    fixture.stop();
    assert_eq!(verify(&fixture, "").0, 0);
    let again = crate::fixture::serve(&fixture.workspace, &[]);
    assert_eq!(again.get("/livez", &[]).status, 200, "it starts again");
}

#[test]
fn tampering_is_found_with_its_position_and_reason() {
    let fixture = fixture();
    let last = verify(&fixture, "").1["entries"].as_u64().unwrap();
    copy(&fixture, DATABASE, "good.db");
    let swap = "CREATE TEMP TABLE two AS SELECT * FROM audit_entries WHERE sequence IN (2, 3); \
        DELETE FROM audit_entries WHERE sequence IN (2, 3); UPDATE two SET sequence = 5 - sequence; \
        INSERT INTO audit_entries SELECT * FROM two";
    let insert = format!(
        "INSERT INTO audit_entries SELECT {}, at_us, actor, action, object, request_id, detail, previous, key_id, hash \
         FROM audit_entries WHERE sequence = 1",
        last + 1
    );
    let close = "DELETE FROM audit_entries WHERE sequence = 2; \
        UPDATE audit_entries SET sequence = -sequence; UPDATE audit_entries SET sequence = -sequence - 1 WHERE sequence < -2; \
        UPDATE audit_entries SET sequence = -sequence WHERE sequence < 0; \
        UPDATE audit_head SET sequence = sequence - 1";
    for (what, sequence, reason) in [
        ("UPDATE audit_entries SET actor = 'operator:eve' WHERE sequence = 3", 3, "changed"),
        ("UPDATE audit_entries SET at_us = at_us + 1 WHERE sequence = 1", 1, "changed"),
        ("UPDATE audit_entries SET detail = detail || ' ' WHERE sequence = 2", 2, "changed"),
        ("UPDATE audit_entries SET request_id = '' WHERE sequence = 2", 2, "changed"),
        ("UPDATE audit_entries SET key_id = '0123456789abcdef' WHERE sequence = 2", 2, "changed"),
        ("DELETE FROM audit_entries WHERE sequence = 2", 2, "missing"),
        (swap, 2, "changed"),
        (&format!("DELETE FROM audit_entries WHERE sequence = {last}"), last, "truncated"),
        ("DELETE FROM audit_entries", 1, "truncated"),
        (&insert, last + 1, "beyond_head"),
        (close, last - 1, "head_changed"),
        ("UPDATE audit_head SET seal = hash", last, "head_changed"),
    ] {
        copy(&fixture, "good.db", DATABASE);
        fixture.sql(what);
        let (code, found) = verify(&fixture, "");
        assert_eq!(
            (code, &found["sequence"], &found["reason"]),
            (3, &sequence.into(), &reason.into()),
            "{what}: {found}"
        );
        assert_eq!(fixture.workspace.run("audit export").exit_code, 3, "{what}");
    }
    copy(&fixture, "good.db", DATABASE);
    assert_eq!(verify(&fixture, "").0, 0, "the unmodified database still verifies");
}

#[test]
fn a_restored_older_database_is_found_by_a_saved_head() {
    let fixture = fixture();
    copy(&fixture, DATABASE, "earlier.db");
    let last = verify(&fixture, "").1["entries"].as_u64().unwrap();
    assert_eq!(fixture.workspace.run("webhooks replay --all").exit_code, 0);
    let head = fixture.workspace.run("audit checkpoint");
    std::fs::write(fixture.workspace.path("head.json"), &head.stdout).unwrap();
    assert_eq!(verify(&fixture, "--checkpoint head.json").0, 0);
    copy(&fixture, "earlier.db", DATABASE);
    assert_eq!(verify(&fixture, "").0, 0, "the database alone does not show it");
    let (code, found) = verify(&fixture, "--checkpoint head.json");
    assert_eq!(
        (code, &found["sequence"], &found["reason"]),
        (3, &(last + 1).into(), &"truncated".into()),
        "{found}"
    );
    let forged = head.stdout.replacen("\"sequence\":", "\"sequence\":1", 1);
    std::fs::write(fixture.workspace.path("forged.json"), forged).unwrap();
    assert_eq!(verify(&fixture, "--checkpoint forged.json").1["reason"], "head_changed");
    std::fs::write(fixture.workspace.path("empty.json"), "").unwrap();
    assert_eq!(fixture.workspace.run("audit verify --checkpoint empty.json").exit_code, 2);
}

#[test]
fn tampering_with_an_export_is_found() {
    let fixture = fixture();
    let export = fixture.workspace.run("audit export").stdout;
    let lines: Vec<&str> = export.lines().collect();
    let second = lines[2].replacen("\"actor\":\"", "\"actor\":\"not-", 1);
    for (text, reason) in [
        (export.replacen(lines[2], &second, 1), "changed"),
        (export.replacen(&format!("{}\n", lines[2]), "", 1), "missing"),
        (lines[..3].join("\n"), "no_head"),
        (lines[1..].join("\n"), "format"),
        (format!("{export}{}\n", lines[1]), "after_head"),
        (export.replacen(lines[2], "nonsense", 1), "line"),
    ] {
        std::fs::write(fixture.workspace.path("chain.jsonl"), text).unwrap();
        let (code, found) = verify(&fixture, "--file chain.jsonl --key secrets/audit_key");
        assert_eq!((code, &found["reason"]), (3, &reason.into()), "{found}");
    }
    std::fs::write(fixture.workspace.path("chain.jsonl"), &export).unwrap();
    std::fs::write(fixture.workspace.path("other.key"), OTHER_KEY).unwrap();
    let (code, found) = verify(&fixture, "--file chain.jsonl --key other.key");
    assert_eq!((code, &found["reason"]), (2, &"unknown_key".into()), "{found}");
    assert_eq!(fixture.workspace.run("audit verify --key other.key").exit_code, 1, "--key needs an export");
}

#[test]
fn a_missing_key_is_never_called_damage_and_the_places_are_named() {
    let fixture = fixture();
    let elsewhere = |set: fn(Workspace) -> Workspace| {
        let file = format!("sqlite:{}", fixture.workspace.path(DATABASE).display());
        set(Workspace::new().set("DATABASE_URL", &file).set("INVESTIQ_PROFILE", "development"))
    };
    let no_key = elsewhere(|workspace| workspace.set("SECRETS_DIR", "/nowhere"));
    let another_key =
        elsewhere(|workspace| workspace.set("AUDIT_KEY", OTHER_KEY).set("SECRETS_DIR", "/nowhere"));
    std::fs::write(fixture.workspace.path("other.key"), OTHER_KEY).unwrap();
    assert_eq!(fixture.workspace.run("audit export --output chain.jsonl").exit_code, 0);
    let results = ["audit verify", "audit export", "audit checkpoint", "webhooks list"]
        .into_iter()
        .flat_map(|command| [no_key.run(command), another_key.run(command)]);
    for result in results {
        let text = format!("{}{}", result.stdout, result.stderr);
        assert_eq!(result.exit_code, 2, "{text}");
        assert!(text.contains("audit key") && text.contains("is missing"), "{text}");
        for place in ["AUDIT_KEY", "/nowhere/audit_key", "data/investiq.db.audit-key", "SECRETS_DIR"] {
            assert!(text.contains(place), "{place}: {text}");
        }
        assert!(!text.contains("damage") && !text.contains("broken"), "{text}");
    }
    let of_export = fixture.workspace.run("audit verify --file chain.jsonl --key other.key");
    assert_eq!(of_export.exit_code, 2, "{of_export:?}");
    assert!(of_export.stdout.contains("is missing; looked in other.key"), "{of_export:?}");
    assert!(!fixture.workspace.path("data/investiq.db.audit-key").exists(), "no command creates a key");
    assert_eq!(verify(&fixture, "").0, 0, "with its key the chain is intact");
}
