//! `investiq ledger`: journals of two persons, and the review queue.

use serde_json::Value;
use tests::providers::ADMIN_KEY;

use crate::command::CommandResult;
use crate::fixture::Fixture;

const JOURNAL: &str = r#"{"effective_at":"2026-03-02T18:00:00Z","reference":"invoice 4711","reason":"not reported",
    "postings":[{"kind":"fee","entries":[{"account":"system/income","amount":"-5.00","currency":"USD"},
    {"account":"system/fees","amount":"5.00","currency":"USD"}]}]}"#;

/// Runs a command as a user of the machine.
fn run_as(fixture: &Fixture, user: &str, arguments: &[&str]) -> CommandResult {
    CommandResult::from_output(fixture.workspace.command(arguments).env("USER", user).output().unwrap())
}

fn json_as(fixture: &Fixture, user: &str, arguments: &[&str]) -> Value {
    let result = run_as(fixture, user, &[arguments, &["--json"]].concat());
    assert_eq!(result.exit_code, 0, "{result:?}");
    result.json()
}

/// The user who runs these tests, as the audit chain names them.
pub(crate) fn operator(fixture: &Fixture) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let path = fixture.workspace.path("owned");
    std::fs::write(&path, "").unwrap();
    format!("operator:uid-{}", std::fs::metadata(path).unwrap().uid())
}

/// Another person decides on a journal, with an API key.
fn decide(fixture: &Fixture, path: &str, body: &str) -> Value {
    let headers = [("x-api-key", ADMIN_KEY), ("content-type", "application/json")];
    let path = format!("/api/ledger/journals/{path}");
    let decided = fixture.server().send(reqwest::Method::POST, &path, &headers, Some(body));
    assert_eq!(decided.status, 200, "{decided:?}");
    decided.json()
}

#[test]
fn a_journal_is_made_by_one_person_and_approved_by_another() {
    let mut fixture = Fixture::start_with(&[("API_KEYS", &format!("{ADMIN_KEY}:admin"))]);
    let operator = operator(&fixture);
    // A limit in the environment of the command is not that of the server.
    fixture.workspace = fixture.workspace.set("JOURNAL_APPROVAL_ABOVE", "1000000");
    std::fs::write(fixture.workspace.path("journal.json"), JOURNAL).unwrap();
    for _ in 0..2 {
        // The same file is the same journal.
        let made = json_as(&fixture, "ana", &["ledger", "post", "journal.json"]);
        assert_eq!(
            (&made["id"], &made["state"], &made["made_by"]),
            (&"1".into(), &"pending".into(), &operator.as_str().into())
        );
    }
    for user in ["ana", "ben"] {
        let own = run_as(&fixture, user, &["ledger", "approve", "1"]);
        assert!(own.exit_code == 2 && own.stderr.contains("another person must approve it"), "{own:?}");
    }
    assert_eq!(decide(&fixture, "1/approve", "null")["state"], "posted");
    let shown = run_as(&fixture, "ana", &["ledger", "show", "1"]);
    for line in [
        "journal 1 is posted\n",
        "  effective at 2026-03-02T18:00:00Z\n  reference invoice 4711\n  reason not reported\n",
        "  checked by key:",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown:?}");
    }
    let reversal = json_as(&fixture, "ana", &["ledger", "reverse", "1", "--reason", "reported after all"]);
    assert_eq!((&reversal["reverses"], &reversal["state"]), (&"1".into(), &"pending".into()));
    let rejected = json_as(&fixture, "ben", &["ledger", "reject", "2", "--reason", "it was not"]);
    assert_eq!((&rejected["state"], &rejected["rejection"]), (&"rejected".into(), &"it was not".into()));
    let shown = run_as(&fixture, "ana", &["ledger", "show", "2"]);
    assert!(shown.stdout.contains("  rejected because it was not\n  reverses 1\n"), "{shown:?}");
    let journals = json_as(&fixture, "ana", &["ledger", "list"]);
    assert_eq!(journals["journals"].as_array().unwrap().len(), 2, "{journals}");
    let pending = json_as(&fixture, "ana", &["ledger", "list", "--state", "pending"]);
    assert_eq!(pending["journals"], serde_json::json!([]));
    let broken = fixture.workspace.run_with_input("ledger post -", &JOURNAL.replace("\"5.00\"", "\"4.00\""));
    assert!(broken.exit_code == 2 && broken.stderr.contains("sum to -1.00 USD"), "{broken:?}");
    let export = fixture.workspace.run("audit export").stdout;
    for (action, actor) in
        [("journals.create", &*operator), ("journals.approve", "key:"), ("journals.reject", &operator)]
    {
        let is_entry =
            |line: &str| line.contains(&format!("\"{action}\"")) && line.contains(&format!("\"{actor}"));
        assert!(export.lines().any(is_entry), "{action} {actor}\n{export}");
    }
    assert_eq!(fixture.workspace.run("audit verify").exit_code, 0);
}

#[test]
fn a_review_is_listed_shown_and_resolved() {
    let mut fixture = Fixture::start();
    assert_eq!(fixture.outcome("--sample alpaca/nta/deposit").1, "stored");
    fixture.wait_until_applied();
    fixture.stop();
    fixture.sql(
        "INSERT INTO reviews (subject, kind, about, at, opened_at) VALUES ('event/1', 'by_hand', '1', 1, 1)",
    );
    let listed = json_as(&fixture, "ana", &["ledger", "reviews", "list", "--kind", "by_hand"]);
    assert_eq!(listed["reviews"][0]["id"], "1", "{listed}");
    let shown = json_as(&fixture, "ana", &["ledger", "reviews", "show", "1"]);
    assert_eq!(shown["suggestions"][0]["action"], "journal", "{shown}");
    std::fs::write(fixture.workspace.path("journal.json"), JOURNAL).unwrap();
    let with_journal =
        ["ledger", "reviews", "resolve", "1", "--reason", "booked", "--journal", "journal.json"];
    for _ in 0..2 {
        let pending = run_as(&fixture, "ana", &with_journal);
        assert!(pending.stdout.starts_with("journal 1 is pending: review 1 is resolved when"), "{pending:?}");
    }
    assert_eq!(json_as(&fixture, "ana", &["ledger", "reviews", "show", "1"])["pending_journal"], "1");
    let second = run_as(
        &fixture,
        "ana",
        &["ledger", "reviews", "resolve", "1", "--reason", "other", "--journal", "journal.json"],
    );
    assert!(
        second.exit_code == 2 && second.stderr.contains("journal 1, which resolves this review, is pending"),
        "{second:?}"
    );
    assert_eq!(run_as(&fixture, "ana", &["ledger", "reject", "1", "--reason", "wrong"]).exit_code, 0);
    let rejected = run_as(&fixture, "ana", &with_journal);
    assert!(rejected.exit_code == 2 && rejected.stderr.contains("journal 1 is rejected"), "{rejected:?}");
    let resolve = ["ledger", "reviews", "resolve", "1", "--reason", "no effect"];
    assert_eq!(run_as(&fixture, "ana", &resolve).stdout, "review 1 is resolved\n");
    let other = run_as(&fixture, "ana", &["ledger", "reviews", "resolve", "1", "--reason", "another"]);
    assert!(other.exit_code == 2 && other.stderr.contains("already resolved"), "{other:?}");
    let table = run_as(&fixture, "ana", &["ledger", "reviews", "list", "--state", "all"]);
    assert!(table.stdout.contains(&operator(&fixture)), "{table:?}");
}

#[test]
fn accounts_are_linked_to_a_customer_and_unlinked() {
    let fixture = Fixture::start();
    assert_eq!(fixture.outcome("--sample alpaca/nta/deposit").1, "stored");
    fixture.wait_until_applied();
    let entries = fixture.server().get("/api/ledger/entries", &[]).json()["entries"].clone();
    let mut accounts = entries.as_array().unwrap().iter().map(|entry| entry["account"].as_str().unwrap());
    let account = accounts.find_map(|account| account.strip_prefix("user/")?.split('/').next()).unwrap();
    let operator = operator(&fixture);
    let linked = json_as(&fixture, "ana", &["customers", "link", "c-1", account]);
    assert_eq!(
        (&linked["links"][0]["account"], &linked["links"][0]["linked_by"]),
        (&account.into(), &operator.into())
    );
    let other = run_as(&fixture, "ana", &["customers", "link", "c-2", account]);
    assert!(other.exit_code == 2 && other.stderr.contains("is linked to the customer c-1"), "{other:?}");
    let unknown = run_as(&fixture, "ana", &["customers", "link", "c-1", "alpaca:nobody"]);
    assert!(unknown.exit_code == 2 && unknown.stderr.contains("alpaca:nobody is unknown"), "{unknown:?}");
    let listed = run_as(&fixture, "ana", &["customers", "list", "--customer", "c-1"]);
    assert!(listed.stdout.starts_with("CUSTOMER  ACCOUNT") && listed.stdout.contains(account), "{listed:?}");
    for _ in 0..2 {
        let unlinked = json_as(&fixture, "ana", &["customers", "unlink", "c-1", account]);
        assert_eq!(unlinked["links"], serde_json::json!([]));
    }
    let export = fixture.workspace.run("audit export").stdout;
    for action in ["customers.link", "customers.unlink"] {
        assert_eq!(export.matches(&format!("\"{action}\"")).count(), 1, "{action}");
    }
}

#[test]
fn the_page_has_every_command() {
    let page = std::fs::read_to_string(tests::workspace_root().join("docs/ledger.md")).unwrap();
    for command in ["post", "list", "approve", "reverse", "reviews list", "reviews show", "reviews resolve"] {
        assert!(page.contains(&format!("investiq ledger {command} ")), "{command}");
    }
    for command in ["link", "unlink", "list"] {
        assert!(page.contains(&format!("investiq customers {command} ")), "{command}");
    }
}
