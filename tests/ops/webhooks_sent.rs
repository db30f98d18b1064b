//! Deliveries that `investiq` sends as every provider: good ones are kept once, wrong ones are refused for what is wrong.

use std::os::unix::fs::PermissionsExt;

use crate::command::Place;
use crate::trial::{TOPIC, Trial};

/// One sample of each scheme of signatures.
const ONE_OF_EACH: [&str; 4] = [
    "alpaca/trade/fill",
    "bridge/transfer.created",
    "circle/transactions.inbound.complete",
    "circle-sns/payments",
];

/// What is wrong, and the status and the reason with which it is refused.
type Wrong = (&'static str, u64, &'static str);

/// What can be wrong with a delivery of each source, and for what it is refused (docs/PROBLEMS.md).
const WRONG: &[(&str, &[Wrong])] = &[
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
        "circle/transactions.inbound.complete",
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
        "circle-sns/payments",
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

/// The account whose story the samples tell.
const ACCOUNT: &str = "904837e3-3b76-47ec-b432-046db621571b";
/// Every way in which a delivery can be made wrong.
const TAMPERS: usize = 14;

#[test]
fn a_delivery_of_every_source_is_kept_once() {
    let trial = Trial::start();
    for sample in ONE_OF_EACH {
        let arguments = format!("--sample {sample}");
        assert_eq!(trial.outcome(&arguments), (200, "stored".to_owned()), "{sample}: {}", trial.log());
        // SNS carries a copy under an id of its own; what it says is the same.
        assert_eq!(trial.outcome(&arguments), (200, "duplicate".to_owned()), "{sample}");
    }
    let confirmation =
        format!("--sample circle-sns/payments --kind SubscriptionConfirmation --topic {TOPIC}");
    assert_eq!(trial.outcome(&confirmation), (200, "confirmed".to_owned()));
}

#[test]
fn every_sample_is_taken_and_worked_on() {
    let trial = Trial::start();
    let samples = trial.place.run("webhooks samples --json").json();
    let samples = samples["samples"].as_array().unwrap();
    assert!(samples.len() > 90, "{}", samples.len());
    for sample in samples {
        let name = sample["name"].as_str().unwrap();
        let (status, outcome) = trial.outcome(&format!("--sample {name}"));
        assert_eq!((status, outcome.as_str()), (200, "stored"), "{name}: {}", trial.log());
    }
    trial.settle();
    let given_up = trial.place.run("webhooks dead-letter list --json").json();
    assert_eq!(given_up["dead_letters"].as_array().unwrap().len(), 0, "{given_up}");
    assert_eq!(trial.place.run("audit verify").code, 0);
    // By hand: 1000 - 250.75 + 0.48 + 1.25 - 0.02 - 0.07 + 50 of the older entries, 500 - 20 + 0.52 - 0.01 of the newer,
    // and two shares for 180.10 and 180.30, which a split made four.
    let portfolio = trial.read(&format!("/api/portfolio/alpaca:{ACCOUNT}"));
    assert_eq!(portfolio["balances"][0]["amount_minor"], 92_100, "{portfolio}");
    assert_eq!(portfolio["balances"].as_array().unwrap().len(), 1, "{portfolio}");
    assert_eq!(portfolio["positions"][0]["quantity"], "4", "{portfolio}");
    assert_eq!(portfolio["positions"][0]["cost_minor"], 36_040, "{portfolio}");
    assert_eq!(portfolio["status"], "active");
}

#[test]
fn what_is_wrong_is_refused_for_that() {
    let trial = Trial::start_with(&[("WEBHOOK_ALPACA_SCHEME", "timestamped")]);
    for (sample, wrong) in WRONG {
        for (tamper, status, reason) in *wrong {
            let arguments = format!("--sample {sample} --tamper {tamper}");
            let ran = trial.send(&format!("{arguments} --json"));
            let json = ran.json();
            assert_eq!(ran.code, 0, "{sample} {tamper}: {json}");
            assert_eq!(json["answers"][0]["status"], *status, "{sample} {tamper}: {json}");
            assert_eq!(json["answers"][0]["outcome"], *reason, "{sample} {tamper}: {json}");
        }
    }
    let kept = trial.place.run("webhooks list --json").json();
    assert_eq!(kept["events"].as_array().unwrap().len(), 0, "{kept}");
    let help = trial.place.run("webhooks send --help").out;
    let tried = WRONG.iter().flat_map(|(_, wrong)| wrong.iter().map(|(tamper, ..)| *tamper));
    let tried: std::collections::BTreeSet<&str> = tried.collect();
    assert_eq!(tried.len(), TAMPERS);
    assert!(tried.iter().all(|tamper| help.contains(&format!("- {tamper}:"))), "{help}");
}

#[test]
fn a_wrong_delivery_that_is_taken_is_a_finding() {
    let trial = Trial::start_with(&[("WEBHOOK_ALPACA_SCHEME", "any")]);
    let ran = trial.send("--sample alpaca/trade/fill --tamper body-only");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("it should have been refused for: untimed"), "{ran:?}");
    let refused = trial.send("--sample bridge/transfer.created --key webhook-keys/sns.key.pem");
    assert_eq!(refused.code, 3, "a good delivery that is refused is one, too: {refused:?}");
}

#[test]
fn copies_are_counted_and_renewed_ones_are_new() {
    let trial = Trial::start();
    let copies = trial.send("--sample alpaca/nta/dividend --count 5 --json").json();
    assert_eq!(copies["sent"], 5);
    let counts: Vec<(&str, u64)> = copies["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["outcome"].as_str().unwrap(), line["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("duplicate", 4), ("stored", 1)]);
    for sample in ONE_OF_EACH {
        let renewed = trial.send(&format!("--sample {sample} --count 3 --renew --json")).json();
        assert_eq!(renewed["answers"][0]["outcome"], "stored", "{renewed}");
        assert_eq!(renewed["answers"][0]["count"], 3, "{renewed}");
    }
}

#[test]
fn a_body_goes_over_the_wire_as_it_lies_in_its_file() {
    let trial = Trial::start();
    let body = "{\"event_id\": \"wh_x\",\r\n\t\"event_type\":\"customer.created\" , \"event_object_id\":\"c-1\"}\n\n";
    std::fs::write(trial.place.path("body.json"), body).unwrap();
    let sent = trial.send("--source bridge --file body.json --json").json();
    let id = sent["answers"][0]["first"].as_str().unwrap().to_owned();
    assert_eq!(trial.place.run(&format!("webhooks show {id} --body")).out, body);
}

#[test]
fn arguments_that_make_no_sense_send_nothing() {
    let place = Place::new().set("SECRETS_DIR", "secrets");
    place.run("webhooks keygen");
    for arguments in [
        "",
        "--source alpaca",
        "--source alpaca --file body.json",
        "--sample no/such/sample",
        "--sample alpaca/trade/fill --source bridge",
        "--sample alpaca/trade/fill --kind dance",
        "--sample alpaca/trade/fill --tamper single-digest",
        "--sample circle/webhooks.test --tamper stale",
        "--sample circle-sns/payments --topic arn:aws:sqs:x",
        "--sample circle-sns/payments --kind Dance",
    ] {
        let ran = place.run(&format!("webhooks send --url http://127.0.0.1:9 {arguments}"));
        assert_eq!(ran.code, 1, "{arguments}: {ran:?}");
    }
    let nobody = place.run("webhooks send --url http://127.0.0.1:9 --sample alpaca/trade/fill");
    assert_eq!(nobody.code, 4, "{nobody:?}");
    let keyless = Place::new().run("webhooks send --url http://127.0.0.1:9 --sample alpaca/trade/fill");
    assert_eq!(keyless.code, 2, "{keyless:?}");
    assert!(keyless.err.contains("webhooks keygen"), "{keyless:?}");
}

#[test]
fn keys_are_made_once_for_their_owner_alone() {
    let place = Place::new();
    assert_eq!(place.run("webhooks keygen --json").json()["created"].as_array().unwrap().len(), 7);
    let again = place.run("webhooks keygen --json").json();
    assert_eq!(again["created"].as_array().unwrap().len(), 0);
    let directory = place.path("webhook-keys");
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    let elsewhere = place.run("webhooks host-keys --bind 0.0.0.0:0");
    assert_eq!(elsewhere.code, 1, "{elsewhere:?}");
}

#[test]
fn a_sample_is_printed_as_it_is_sent() {
    let place = Place::new();
    let body = place.run("webhooks samples circle/webhooks.test");
    assert_eq!(body.json()["notificationType"], "webhooks.test");
    let of_bridge = place.run("webhooks samples --source bridge --json").json();
    let names = of_bridge["samples"].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap());
    assert!(names.clone().count() > 20 && names.clone().all(|name| name.starts_with("bridge/")));
    assert_eq!(place.run("webhooks samples no/such").code, 1);
}
