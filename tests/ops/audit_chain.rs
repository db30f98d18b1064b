//! The audit chain in the hands of whoever doubts it: checked in the database and in an export, after everything that can
//! be done to it behind everybody's back.

use serde_json::Value;

use crate::trial::{Trial, sql};

const DATABASE: &str = "data/investiq.db";

/// A chain of some entries, by a server that is gone.
fn trial() -> Trial {
    let mut trial = Trial::start();
    for sample in ["alpaca/nta/deposit", "alpaca/trade/new", "bridge/transfer.created"] {
        assert_eq!(trial.outcome(&format!("--sample {sample}")).1, "stored");
        trial.settle();
    }
    trial.stop();
    trial
}

fn copy(trial: &Trial, from: &str, to: &str) {
    // What waits in the log beside the database belongs to it.
    sql(&trial.place, from, "PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(trial.place.path(from), trial.place.path(to)).unwrap();
    for log in ["-wal", "-shm"] {
        drop(std::fs::remove_file(trial.place.path(&format!("{to}{log}"))));
    }
}

fn verify(trial: &Trial, arguments: &str) -> (i32, Value) {
    let ran = trial.place.run(&format!("audit verify {arguments} --json"));
    (ran.code, ran.json())
}

#[test]
fn a_whole_chain_is_whole_and_so_is_its_export() {
    let trial = trial();
    let (code, found) = verify(&trial, "");
    let entries = found["entries"].as_u64().unwrap();
    assert!(code == 0 && entries >= 6, "{found}");
    assert_eq!(trial.place.run("audit export --output chain.jsonl").code, 0);
    assert_eq!(trial.place.run("audit export --output chain.jsonl").code, 4, "what is there stays");
    let of_export = verify(&trial, "--file chain.jsonl --key secrets/audit_key");
    assert_eq!((of_export.0, &of_export.1), (0, &found));
    // Python, which knows nothing of our code, makes the same of it.
    let check = tests::workspace_root().join("crates/audit/tests/reference/verify.py");
    let python = std::process::Command::new("python3")
        .arg(check)
        .args(["chain.jsonl", "secrets/audit_key"])
        .current_dir(trial.place.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(python.stdout).unwrap();
    assert_eq!(
        said.trim(),
        format!("whole: {entries} entries, the last is {}", found["hash"].as_str().unwrap())
    );
}

#[test]
fn whatever_is_done_to_the_chain_is_found_where_it_was_done() {
    let trial = trial();
    let last = verify(&trial, "").1["entries"].as_u64().unwrap();
    copy(&trial, DATABASE, "good.db");
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
        ("UPDATE audit_entries SET key_id = '0123456789abcdef' WHERE sequence = 2", 2, "unknown_key"),
        ("DELETE FROM audit_entries WHERE sequence = 2", 2, "missing"),
        (swap, 2, "changed"),
        (&format!("DELETE FROM audit_entries WHERE sequence = {last}"), last, "truncated"),
        ("DELETE FROM audit_entries", 1, "truncated"),
        (&insert, last + 1, "beyond_head"),
        (close, last - 1, "head_changed"),
        ("UPDATE audit_head SET seal = hash", last, "head_changed"),
    ] {
        copy(&trial, "good.db", DATABASE);
        trial.sql(what);
        let (code, found) = verify(&trial, "");
        assert_eq!(
            (code, &found["sequence"], &found["reason"]),
            (3, &sequence.into(), &reason.into()),
            "{what}: {found}"
        );
        assert_eq!(trial.place.run("audit export").code, 3, "{what}");
    }
    copy(&trial, "good.db", DATABASE);
    assert_eq!(verify(&trial, "").0, 0, "and the good one is still good");
}

#[test]
fn a_database_set_back_whole_is_found_by_a_head_that_was_kept() {
    let trial = trial();
    copy(&trial, DATABASE, "earlier.db");
    let last = verify(&trial, "").1["entries"].as_u64().unwrap();
    assert_eq!(trial.place.run("webhooks replay --all").code, 0);
    let head = trial.place.run("audit head");
    std::fs::write(trial.place.path("head.json"), &head.out).unwrap();
    assert_eq!(verify(&trial, "--witness head.json").0, 0);
    copy(&trial, "earlier.db", DATABASE);
    assert_eq!(verify(&trial, "").0, 0, "by itself it cannot be told");
    let (code, found) = verify(&trial, "--witness head.json");
    assert_eq!(
        (code, &found["sequence"], &found["reason"]),
        (3, &(last + 1).into(), &"truncated".into()),
        "{found}"
    );
    let forged = head.out.replacen("\"sequence\":", "\"sequence\":1", 1);
    std::fs::write(trial.place.path("forged.json"), forged).unwrap();
    assert_eq!(verify(&trial, "--witness forged.json").1["reason"], "head_changed");
    std::fs::write(trial.place.path("empty.json"), "").unwrap();
    assert_eq!(trial.place.run("audit verify --witness empty.json").code, 2);
}

#[test]
fn an_export_that_was_touched_says_so() {
    let trial = trial();
    let export = trial.place.run("audit export").out;
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
        std::fs::write(trial.place.path("chain.jsonl"), text).unwrap();
        let (code, found) = verify(&trial, "--file chain.jsonl --key secrets/audit_key");
        assert_eq!((code, &found["reason"]), (3, &reason.into()), "{found}");
    }
    std::fs::write(trial.place.path("chain.jsonl"), &export).unwrap();
    std::fs::write(trial.place.path("other.key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let (code, found) = verify(&trial, "--file chain.jsonl --key other.key");
    assert_eq!((code, &found["reason"]), (3, &"unknown_key".into()), "{found}");
    assert_eq!(trial.place.run("audit verify --key other.key").code, 1, "a key is for an export");
}
