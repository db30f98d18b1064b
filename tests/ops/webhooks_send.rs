//! Deliveries of `webhooks send`: valid ones are stored once, tampered ones rejected with the right reason.

use std::os::unix::fs::PermissionsExt;

use webhooks::{KeyFormat, Proof};

use crate::command::Workspace;
use crate::fixture::{Fixture, TOPIC};

/// One sample of each signature scheme.
const ONE_OF_EACH: [&str; 4] = [
    "alpaca/trade/fill",
    "bridge/transfer.created",
    "circle/direct/transactions.inbound.complete",
    "circle/sns/payments",
];

/// How it is tampered with, and the status and reason of its rejection.
type Tampering = (&'static str, u64, &'static str);

/// The tamperings of each provider's deliveries (docs/PROBLEMS.md).
const TAMPERED: &[(&str, &[Tampering])] = &[
    (
        "alpaca/trade/fill",
        &[
            ("body", 401, "signature"),
            ("signature", 401, "signature"),
            ("timestamp", 401, "signature"),
            ("stale", 400, "stale"),
            ("future", 400, "future"),
            ("duplicate-header", 400, "malformed"),
            ("missing-header", 401, "missing"),
            ("other-key", 401, "signature"),
            ("other-kind", 400, "malformed"),
            ("body-only", 401, "untimed"),
        ],
    ),
    (
        "bridge/transfer.created",
        &[
            ("body", 401, "signature"),
            ("signature", 401, "signature"),
            ("timestamp", 401, "signature"),
            ("stale", 400, "stale"),
            ("future", 400, "future"),
            ("single-digest", 401, "signature"),
            ("duplicate-header", 400, "malformed"),
            ("missing-header", 401, "missing"),
            ("other-key", 401, "signature"),
        ],
    ),
    (
        "circle/direct/transactions.inbound.complete",
        &[
            ("body", 401, "signature"),
            ("signature", 401, "signature"),
            ("duplicate-header", 400, "malformed"),
            ("missing-header", 401, "missing"),
            ("other-key", 401, "signature"),
            ("unknown-key", 401, "unknown_key"),
        ],
    ),
    (
        "circle/sns/payments",
        &[
            ("body", 401, "signature"),
            ("signature", 401, "signature"),
            ("timestamp", 401, "signature"),
            ("other-key", 401, "signature"),
            ("topic", 401, "topic"),
            ("host", 401, "host"),
        ],
    ),
];

/// Of the samples.
const ACCOUNT: &str = "904837e3-3b76-47ec-b432-046db621571b";
/// Kinds of tampering.
const TAMPER_KINDS: usize = 14;

#[test]
fn a_delivery_of_every_provider_is_stored_once() {
    let fixture = Fixture::start();
    for sample in ONE_OF_EACH {
        let arguments = format!("--sample {sample}");
        assert_eq!(fixture.outcome(&arguments), (200, "stored".to_owned()), "{sample}: {}", fixture.log());
        // SNS gives a copy its own id; its content is the same.
        assert_eq!(fixture.outcome(&arguments), (200, "duplicate".to_owned()), "{sample}");
    }
    let confirmation =
        format!("--sample circle/sns/payments --message-type SubscriptionConfirmation --topic {TOPIC}");
    assert_eq!(fixture.outcome(&confirmation), (200, "confirmed".to_owned()));
}

#[test]
fn every_sample_is_stored_and_applied() {
    let fixture = Fixture::start();
    let samples = fixture.workspace.run("webhooks samples --json").json();
    let samples = samples["samples"].as_array().unwrap();
    assert!(samples.len() > 90, "{}", samples.len());
    for sample in samples {
        let name = sample["name"].as_str().unwrap();
        let (status, outcome) = fixture.outcome(&format!("--sample {name}"));
        assert_eq!((status, outcome.as_str()), (200, "stored"), "{name}: {}", fixture.log());
    }
    fixture.wait_until_applied();
    let dead_letters = fixture.workspace.run("webhooks dead-letter list --json").json();
    assert_eq!(dead_letters["dead_letters"].as_array().unwrap().len(), 0, "{dead_letters}");
    assert_eq!(fixture.workspace.run("audit verify").exit_code, 0);
    // By hand: 1000 - 250.75 + 0.48 + 1.25 - 0.02 - 0.07 + 50 of the older entries, 500 - 20 + 0.52 - 0.01 of the newer,
    // and two shares for 180.10 and 180.30, which a split made four.
    let portfolio = fixture.get_json(&format!("/api/portfolio/alpaca:{ACCOUNT}"));
    assert_eq!(portfolio["balances"][0]["amount_minor"], 92_100, "{portfolio}");
    assert_eq!(portfolio["balances"].as_array().unwrap().len(), 1, "{portfolio}");
    assert_eq!(portfolio["positions"][0]["quantity"], "4", "{portfolio}");
    assert_eq!(portfolio["positions"][0]["cost_minor"], 36_040, "{portfolio}");
    assert_eq!(portfolio["status"], "active");
}

#[test]
fn tampered_deliveries_are_rejected_with_the_right_reason() {
    let fixture = Fixture::start_with(&[("WEBHOOK_ALPACA_SCHEME", "timestamped")]);
    for (sample, tamperings) in TAMPERED {
        for (tamper, status, reason) in *tamperings {
            let arguments = format!("--sample {sample} --tamper {tamper}");
            let result = fixture.send(&format!("{arguments} --json"));
            let json = result.json();
            assert_eq!(result.exit_code, 0, "{sample} {tamper}: {json}");
            assert_eq!(json["responses"][0]["status"], *status, "{sample} {tamper}: {json}");
            assert_eq!(json["responses"][0]["outcome"], *reason, "{sample} {tamper}: {json}");
        }
    }
    let list = fixture.workspace.run("webhooks list --json").json();
    assert_eq!(list["events"].as_array().unwrap().len(), 0, "{list}");
    let help = fixture.workspace.run("webhooks send --help").stdout;
    let tried = TAMPERED.iter().flat_map(|(_, tamperings)| tamperings.iter().map(|(tamper, ..)| *tamper));
    let tried: std::collections::BTreeSet<&str> = tried.collect();
    assert_eq!(tried.len(), TAMPER_KINDS);
    assert!(tried.iter().all(|tamper| help.contains(&format!("- {tamper}:"))), "{help}");
}

#[test]
fn an_unexpected_outcome_is_a_finding() {
    let fixture = Fixture::start_with(&[("WEBHOOK_ALPACA_SCHEME", "any")]);
    let result = fixture.send("--sample alpaca/trade/fill --tamper body-only");
    assert_eq!(result.exit_code, 3, "{result:?}");
    assert!(result.stderr.contains("expected a rejection with the reason untimed"), "{result:?}");
    let rejected = fixture.send("--sample bridge/transfer.created --key webhook-keys/sns.key.pem");
    assert_eq!(rejected.exit_code, 3, "so is a rejected valid delivery: {rejected:?}");
}

#[test]
fn copies_are_duplicates_unless_they_have_fresh_ids() {
    let fixture = Fixture::start();
    let copies = fixture.send("--sample alpaca/nta/dividend --count 5 --json").json();
    assert_eq!(copies["sent"], 5);
    let counts: Vec<(&str, u64)> = copies["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["outcome"].as_str().unwrap(), line["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("duplicate", 4), ("stored", 1)]);
    for sample in ONE_OF_EACH {
        let renewed = fixture.send(&format!("--sample {sample} --count 3 --fresh-ids --json")).json();
        assert_eq!(renewed["responses"][0]["outcome"], "stored", "{renewed}");
        assert_eq!(renewed["responses"][0]["count"], 3, "{renewed}");
    }
}

#[test]
fn a_body_is_sent_as_it_is_in_its_file() {
    let fixture = Fixture::start();
    let body = "{\"event_id\": \"wh_x\",\r\n\t\"event_type\":\"customer.created\" , \"event_object_id\":\"c-1\"}\n\n";
    std::fs::write(fixture.workspace.path("body.json"), body).unwrap();
    let result = fixture.send("--channel bridge --file body.json --json").json();
    let id = result["responses"][0]["first"].as_str().unwrap().to_owned();
    assert_eq!(fixture.workspace.run(&format!("webhooks show {id} --body")).stdout, body);
}

#[test]
fn invalid_arguments_send_nothing() {
    let workspace = Workspace::new();
    workspace.run("webhooks keygen");
    for arguments in [
        "",
        "--channel alpaca/trade",
        "--channel alpaca --file body.json",
        "--sample no/such/sample",
        "--sample alpaca/trade/fill --channel bridge",
        "--sample alpaca/trade/fill --message-type dance",
        "--sample alpaca/trade/fill --tamper single-digest",
        "--sample circle/direct/webhooks.test --tamper stale",
        "--sample circle/sns/payments --topic arn:aws:sqs:x",
        "--sample circle/sns/payments --message-type Dance",
    ] {
        let result = workspace.run(&format!("webhooks send --url http://127.0.0.1:9 {arguments}"));
        assert_eq!(result.exit_code, 1, "{arguments}: {result:?}");
    }
    let unreachable = workspace.run("webhooks send --url http://127.0.0.1:9 --sample alpaca/trade/fill");
    assert_eq!(unreachable.exit_code, 4, "{unreachable:?}");
    let keyless = Workspace::new().run("webhooks send --url http://127.0.0.1:9 --sample alpaca/trade/fill");
    assert_eq!(keyless.exit_code, 2, "{keyless:?}");
    assert!(keyless.stderr.contains("webhooks keygen"), "{keyless:?}");
}

#[test]
fn keys_are_generated_once_and_private() {
    let workspace = Workspace::new();
    let files = |provider: &&webhooks::ProviderDeclaration| match provider.proof {
        Proof::Keys { format: KeyFormat::HmacSecrets, .. } => 1,
        Proof::Keys { format: KeyFormat::RsaPublicKeys, .. } => 2,
        Proof::Circle => 4,
    };
    let expected: usize = webhooks::PROVIDERS.iter().map(files).sum();
    let created = workspace.run("webhooks keygen --json").json();
    assert_eq!(created["created"].as_array().unwrap().len(), expected);
    let second = workspace.run("webhooks keygen --json").json();
    assert_eq!(second["created"].as_array().unwrap().len(), 0);
    let directory = workspace.path("webhook-keys");
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    let elsewhere = workspace.run("webhooks host-keys --bind 0.0.0.0:0");
    assert_eq!(elsewhere.exit_code, 1, "{elsewhere:?}");
}

#[test]
fn samples_are_printed() {
    let workspace = Workspace::new();
    let body = workspace.run("webhooks samples circle/direct/webhooks.test");
    assert_eq!(body.json()["notificationType"], "webhooks.test");
    let of_bridge = workspace.run("webhooks samples --provider bridge --json").json();
    let names = of_bridge["samples"].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap());
    assert!(names.clone().count() > 20 && names.clone().all(|name| name.starts_with("bridge/")));
    assert_eq!(workspace.run("webhooks samples no/such").exit_code, 1);
}
