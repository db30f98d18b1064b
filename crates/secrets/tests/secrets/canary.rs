//! A value that must appear nowhere: not in any error, report, event or `Debug` of anything that knows it.

use std::sync::{Arc, Mutex};

use secrets::{Catalogue, Class, Format, Profile};

use crate::stage::{Stage, spec};

const CANARY: &str = "c4n4ry-7Zq1xW9";

fn catalogue() -> Catalogue {
    Catalogue::new([
        spec("good", Class::WebhookSecret, Format::Text),
        spec("two_lines", Class::ApiKey, Format::Text),
        spec("not_base64", Class::SigningKey, Format::Base64 { bytes_min: 16 }),
        spec("not_json", Class::DbCredential, Format::Json { required: &["user"] }),
        spec("weak", Class::SigningKey, Format::Text),
        spec("reused", Class::ApiKey, Format::Text),
        spec("blank", Class::ApiKey, Format::Text),
        spec("variable", Class::ApiKey, Format::Text),
    ])
    .unwrap()
}

fn lay_out(stage: &mut Stage) {
    stage.file("good", CANARY);
    stage.file("two_lines", format!("{CANARY}\n{CANARY}"));
    stage.file("not_base64", CANARY);
    stage.file("not_json", format!("{{\"{CANARY}\": {CANARY}}}"));
    stage.file("weak", CANARY);
    stage.file("reused", CANARY);
    stage.file("blank", format!(" {CANARY}"));
    stage.variable("VARIABLE", format!("{CANARY}\0"));
}

#[tokio::test]
async fn a_value_is_in_nothing_that_is_shown() {
    let mut stage = Stage::new();
    lay_out(&mut stage);
    let shown = Arc::new(Mutex::new(String::new()));
    let problems = stage.builder(Profile::Production, catalogue()).build().await.err().unwrap();
    assert_eq!(problems.0.len(), 7, "{problems}");
    show(&shown, &format!("{problems} {problems:?} {problems:#?}"));

    let mut good = Stage::new();
    good.file("good", CANARY);
    good.variable("WEAK", "another-value");
    let recorded = Arc::clone(&shown);
    let secrets = good
        .builder(Profile::Development, catalogue())
        .recorder(Arc::new(move |event| show(&recorded, &format!("{event:?}"))))
        .build()
        .await
        .unwrap();
    good.file("good", format!("{CANARY}-next"));
    let reloaded = secrets.reload().await;
    let handle = secrets.handle("good", "test").unwrap();
    let set = handle.load().unwrap();
    assert!(set.verify_eq(CANARY.as_bytes()).is_some(), "the canary is there to be found");
    show(&shown, &format!("{reloaded:?} {handle:?} {:?} {set:?} {set:#?}", handle.health()));
    for version in set.accepted() {
        show(
            &shown,
            &format!("{version:?} {:?} {:?} {}", version.value(), version.provenance(), version.id()),
        );
    }
    show(&shown, &format!("{} {:?}", secrets.report(), secrets.report()));

    let shown = shown.lock().unwrap();
    let bytes = format!("{:?}", CANARY.as_bytes());
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for form in [CANARY, bytes.trim_matches(['[', ']']), &hex] {
        assert!(!shown.contains(form), "{form} is shown in {shown}");
    }
    assert!(shown.contains("SecretValue("), "values were shown, redacted");
}

fn show(shown: &Mutex<String>, text: &str) {
    shown.lock().unwrap().push_str(text);
}
