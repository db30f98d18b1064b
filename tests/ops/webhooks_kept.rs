//! Kept deliveries in the hands of an operator: looked at, applied again, asked for again, emptied, proved again.

use serde_json::Value;

use crate::command::{Place, Ran};
use crate::trial::Trial;

const SENT: [&str; 4] =
    ["alpaca/nta/deposit", "alpaca/trade/new", "bridge/transfer.created", "circle/webhooks.test"];

/// A server that has taken four deliveries and worked on them.
fn trial() -> Trial {
    let trial = Trial::start();
    for sample in SENT {
        assert_eq!(trial.outcome(&format!("--sample {sample}")).1, "stored");
    }
    trial.settle();
    trial
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.json()["events"].as_array().unwrap().clone()
}

/// The actions of the audit chain with their actors, in order.
fn audited(place: &Place) -> Vec<(String, String)> {
    let export = place.run("audit export");
    assert_eq!(export.code, 0, "{export:?}");
    let lines = export.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let entries = lines.filter(|line| line["sequence"].is_u64());
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    entries.map(|entry| (text(&entry, "action"), text(&entry, "actor"))).collect()
}

#[test]
fn deliveries_are_listed_by_what_is_asked() {
    let trial = trial();
    let count =
        |conditions: &str| events(&trial.place.run(&format!("webhooks list {conditions} --json"))).len();
    for (conditions, expected) in [
        ("", 4),
        ("--source alpaca", 2),
        ("--channel alpaca/nta", 1),
        ("--channel circle/direct", 1),
        ("--type transfer.created", 1),
        ("--status done", 4),
        ("--status dead", 0),
        ("--since 2000-01-01T00:00:00Z", 4),
        ("--until 2000-01-01T00:00:00Z", 0),
        ("--source alpaca --type trade.new --status done", 1),
        ("--object 904837e3-3b76-47ec-b432-046db621571b/AAPL", 1),
        ("--limit 3", 3),
        ("--before 3", 2),
    ] {
        assert_eq!(count(conditions), expected, "{conditions}");
    }
    let table = trial.place.run("webhooks list --limit 1");
    assert!(table.out.starts_with("ID ") && table.out.contains("webhooks.test"), "{table:?}");
    assert!(table.err.contains("--before 4"), "{table:?}");
    for wrong in ["--status lost", "--since yesterday", "--channel nowhere", "--limit 0"] {
        assert_eq!(trial.place.run(&format!("webhooks list {wrong}")).code, 1, "{wrong}");
    }
}

#[test]
fn one_delivery_is_shown_with_its_proof_and_without_its_body() {
    let trial = trial();
    let shown = trial.place.run("webhooks show 3 --json").json();
    assert_eq!(shown["event"]["event_type"], "transfer.created", "{shown}");
    assert_eq!(shown["work"].as_array().unwrap().len(), 1);
    let header = shown["headers"]["x-webhook-signature"].as_str().unwrap();
    assert!(header.starts_with("t="), "{header}");
    let body = trial.place.run("webhooks show 3 --body");
    assert_eq!(body.json()["event_type"], "transfer.created");
    let text = trial.place.run("webhooks show 3");
    assert!(!text.out.contains("awaited") && !text.out.contains("client_reference_id"), "{text:?}");
    let sum = std::process::Command::new("bash")
        .args(["-c", "printf %s \"$0\" | sha256sum", &body.out])
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(sum.split(' ').next().unwrap(), shown["body_sha256"].as_str().unwrap());
    assert_eq!(trial.place.run("webhooks show 99").code, 2);
}

#[test]
fn a_replay_is_foreseen_audited_and_leaves_the_original_as_it_was() {
    let trial = trial();
    let before = trial.place.run("webhooks show 1 --json").json();
    let replay = |arguments: &str| trial.place.run(&format!("webhooks replay {arguments} --json")).json();
    for (which, expected) in [
        ("1 2", 2),
        ("--source alpaca", 2),
        ("--type transfer.created --status done", 1),
        ("--until 2000-01-01T00:00:00Z", 0),
        ("--all", 4),
        ("99", 0),
    ] {
        let foreseen = replay(&format!("{which} --dry-run"));
        assert_eq!((&foreseen["dry_run"], &foreseen["events"]), (&true.into(), &expected.into()), "{which}");
    }
    let audited_before = audited(&trial.place).len();
    assert_eq!(replay("--source alpaca")["events"], 2);
    trial.settle();
    let after = trial.place.run("webhooks show 1 --json").json();
    let causes: Vec<&str> =
        after["work"].as_array().unwrap().iter().map(|work| work["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["replay", "received"], "latest first");
    assert_eq!(after["work"][1], before["work"][0], "what was done before stays told");
    for field in ["dedupe_key", "headers", "body_sha256", "signed_at", "key_id", "body_bytes"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let actions = audited(&trial.place);
    assert!(actions.len() > audited_before);
    let replays: Vec<_> = actions.iter().filter(|(action, _)| action == "webhooks.replay").collect();
    assert!(matches!(&replays[..], [(_, actor)] if actor.starts_with("operator:")), "{actions:?}");
    assert_eq!(trial.place.run("webhooks replay").code, 1, "it is never everything by accident");
}

#[test]
fn the_operator_is_named_in_the_chain() {
    let mut trial = trial();
    trial.place = trial.place.set("USER", "ana\" evil");
    assert_eq!(trial.place.run("webhooks replay 1").code, 0);
    let actors: Vec<String> = audited(&trial.place).into_iter().map(|(_, actor)| actor).collect();
    assert!(actors.contains(&"operator:anaevil".to_owned()), "{actors:?}");
}

#[test]
fn what_was_given_up_is_listed_and_asked_for_again() {
    let mut trial = trial();
    trial.stop();
    trial.sql("UPDATE webhook_work SET state = 'dead', attempts = 12, last_error = 'no such account' WHERE event_id IN (2, 3)");
    let listed = trial.place.run("webhooks dead-letter list --json").json();
    let letters = listed["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0]["event"]["reason"], "no such account", "{listed}");
    let work = letters[0]["work"].as_str().unwrap();
    let requeue =
        |which: &str| trial.place.run(&format!("webhooks dead-letter requeue {which} --json")).json();
    assert_eq!(requeue("--all --dry-run")["events"], 2);
    assert_eq!(requeue(&format!("{work} --dry-run"))["events"], 1);
    assert_eq!(requeue(work)["events"], 1);
    assert_eq!(requeue(work)["events"], 0, "it is asked for once");
    let waiting = events(&trial.place.run("webhooks list --status pending --json"));
    assert_eq!((waiting.len(), &waiting[0]["attempts"]), (1, &0.into()), "it has all its tries again");
    assert_eq!(requeue("--all")["events"], 1);
    assert!(audited(&trial.place).iter().any(|(action, _)| action == "webhooks.requeue"));
    assert_eq!(trial.place.run("webhooks dead-letter requeue").code, 1);
}

#[test]
fn bodies_go_when_their_time_has_come_and_hashes_stay() {
    let mut trial = trial();
    trial.stop();
    let day_us = 24 * 60 * 60 * 1_000_000_i64;
    trial
        .sql(&format!("UPDATE webhook_events SET received_at = received_at - {} WHERE id = 1", 400 * day_us));
    trial.sql(&format!("UPDATE webhook_events SET received_at = received_at - {} WHERE id = 3", 40 * day_us));
    let retain = |arguments: &str| {
        let ran = trial.place.run(&format!("webhooks retention {arguments} --json")).json();
        let sources = ran["sources"].as_array().unwrap().clone();
        let line =
            |line: &Value| (line["source"].as_str().unwrap().to_owned(), line["events"].as_u64().unwrap());
        sources.iter().map(line).collect::<Vec<_>>()
    };
    let line = |source: &str, events| (source.to_owned(), events);
    let expected = [line("alpaca", 1), line("bridge", 0), line("circle", 0)];
    assert_eq!(retain("--dry-run"), expected);
    assert_eq!(retain("--source bridge --days 30 --dry-run"), [line("bridge", 1)]);
    let before = trial.place.run("webhooks show 1 --json").json();
    assert_eq!(before["event"]["redacted_at"], Value::Null, "a dry run changes nothing");
    assert_eq!(retain(""), expected);
    assert_eq!(retain(""), [line("alpaca", 0), line("bridge", 0), line("circle", 0)]);
    let after = trial.place.run("webhooks show 1 --json").json();
    assert!(after["event"]["redacted_at"].is_string(), "{after}");
    assert_eq!((&after["body_bytes"], &after["headers"]), (&0.into(), &serde_json::json!({})));
    assert_eq!(after["body_sha256"], before["body_sha256"]);
    assert_eq!(trial.place.run("webhooks show 1 --body").code, 2);
    assert_eq!(
        trial.place.run("webhooks replay 1 --dry-run --json").json()["events"],
        0,
        "there is nothing to apply"
    );
    assert!(audited(&trial.place).iter().any(|(action, _)| action == "webhooks.redact"));
    assert_eq!(trial.place.run("webhooks retention --days 1").code, 1, "days are of one source");
}

#[test]
fn a_signature_is_tested_and_the_failing_step_named() {
    let place = Trial::start().place;
    std::fs::write(place.path("body.json"), "{\"event_id\":\"wh_1\",\"event_type\":\"customer.created\"}")
        .unwrap();
    // openssl signs, as docs/webhooks.md shows.
    let sign = "t=$(date +%s); mac=$({ printf '%s.' $t; cat body.json; } | openssl dgst -sha256 -hmac \"$(cat webhook-keys/alpaca_webhook_secret)\" | sed 's/.* //'); printf 'POST / HTTP/1.1\\nAlpaca-Signature: t=%s,v1=%s\\n' $t $mac >headers";
    let status = std::process::Command::new("bash").args(["-c", sign]).current_dir(place.path("")).status();
    assert!(status.unwrap().success());
    let test = |arguments: &str| {
        let ran = place
            .run(&format!("webhooks test-signature --file body.json --headers headers {arguments} --json"));
        let json = ran.json();
        (ran.code, json["step"].as_str().map(str::to_owned), json["reason"].as_str().map(str::to_owned))
    };
    let failed = |step: &str, reason: &str| (3, Some(step.to_owned()), Some(reason.to_owned()));
    assert_eq!(test("--source alpaca --kind trade"), (0, None, None));
    assert_eq!(test("--source alpaca --kind trade --at 2000-01-01T00:00:00Z"), failed("freshness", "future"));
    assert_eq!(test("--source alpaca --kind trade --at 2100-01-01T00:00:00Z"), failed("freshness", "stale"));
    assert_eq!(test("--source bridge"), failed("parse", "missing"));
    std::fs::write(place.path("body.json"), "{}").unwrap();
    assert_eq!(test("--source alpaca --kind trade"), failed("signature", "signature"));
    let secret = std::fs::read_to_string(place.path("webhook-keys/alpaca_webhook_secret")).unwrap();
    let ran =
        place.run("webhooks test-signature --file body.json --headers headers --source alpaca --kind trade");
    assert!(!ran.out.contains(secret.trim()) && !ran.err.contains(secret.trim()), "{ran:?}");
    assert!(ran.out.starts_with("refused at step signature: "), "{ran:?}");
}

#[test]
fn without_a_database_nothing_is_made() {
    let place = Place::new().set("SECRETS_DIR", "secrets");
    for command in [
        "webhooks list",
        "webhooks replay --all",
        "webhooks retention",
        "audit verify",
        "audit export",
        "audit head",
    ] {
        let ran = place.run(command);
        assert_eq!(ran.code, 2, "{command}: {ran:?}");
        assert!(ran.err.contains("there is no database data/investiq.db"), "{command}: {ran:?}");
    }
    assert!(!place.path("data").exists());
    let production = Place::new().set("SECRETS_DIR", "secrets").set("INVESTIQ_PROFILE", "production");
    assert_eq!(production.run("webhooks list").code, 2);
}

#[test]
fn no_command_prints_a_key_that_is_in_use() {
    let trial = trial();
    let mut keys = Vec::new();
    for directory in ["secrets", "webhook-keys"] {
        for file in std::fs::read_dir(trial.place.path(directory)).unwrap().map(Result::unwrap) {
            let text = std::fs::read_to_string(file.path()).unwrap();
            // The longest line: of a PEM a line of its Base64.
            let line = text.lines().max_by_key(|line| line.len()).unwrap().to_owned();
            keys.push((file.file_name(), line));
        }
    }
    std::fs::write(trial.place.path("headers"), "alpaca-signature: t=1,v1=00").unwrap();
    std::fs::write(trial.place.path("body"), "{}").unwrap();
    let prove = "webhooks test-signature --file body --headers headers --source";
    for run in [
        "webhooks list --json",
        "webhooks show 1",
        "webhooks show 2 --json",
        "webhooks replay 1 --json",
        "webhooks dead-letter list",
        "webhooks retention --json",
        "audit head",
        "audit export",
        "audit verify --json",
        &format!("{prove} alpaca --kind trade"),
        &format!("{prove} bridge"),
        "config check development --resolve --json",
    ] {
        let ran = trial.place.run(run);
        for (name, key) in &keys {
            assert!(!ran.out.contains(key) && !ran.err.contains(key), "{run} prints {name:?}");
        }
    }
    let sent = trial.send("--sample bridge/transfer.created --tamper signature --json");
    let log = trial.log();
    for (name, key) in &keys {
        assert!(!sent.out.contains(key) && !log.contains(key), "{name:?}");
    }
}
