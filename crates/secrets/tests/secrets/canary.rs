//! A value that must not appear in any error, report, event or `Debug` output.

use std::sync::{Arc, Mutex};

use secrets::{Catalogue, Class, Format, Profile};

use crate::fixture::{Fixture, spec};

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

fn write_secrets(fixture: &mut Fixture) {
    fixture.file("good", CANARY);
    fixture.file("two_lines", format!("{CANARY}\n{CANARY}"));
    fixture.file("not_base64", CANARY);
    fixture.file("not_json", format!("{{\"{CANARY}\": {CANARY}}}"));
    fixture.file("weak", CANARY);
    fixture.file("reused", CANARY);
    fixture.file("blank", format!(" {CANARY}"));
    fixture.variable("VARIABLE", format!("{CANARY}\0"));
}

#[tokio::test]
async fn a_value_is_never_shown() {
    let mut fixture = Fixture::new();
    write_secrets(&mut fixture);
    let output = Arc::new(Mutex::new(String::new()));
    let errors = fixture.builder(Profile::Production, catalogue()).build().await.err().unwrap();
    assert_eq!(errors.0.len(), 7, "{errors}");
    record(&output, &format!("{errors} {errors:?} {errors:#?}"));

    let mut good = Fixture::new();
    good.file("good", CANARY);
    good.variable("WEAK", "another-value");
    let recorded = Arc::clone(&output);
    let secrets = good
        .builder(Profile::Development, catalogue())
        .recorder(Arc::new(move |event| record(&recorded, &format!("{event:?}"))))
        .build()
        .await
        .unwrap();
    good.file("good", format!("{CANARY}-next"));
    let reloaded = secrets.reload().await;
    let handle = secrets.handle("good", "test").unwrap();
    let set = handle.load().unwrap();
    assert!(set.verify_eq(CANARY.as_bytes()).is_none(), "it was replaced by one that begins with it");
    record(&output, &format!("{reloaded:?} {handle:?} {:?} {set:?} {set:#?}", handle.health()));
    for version in set.accepted() {
        record(
            &output,
            &format!("{version:?} {:?} {:?} {}", version.value(), version.provenance(), version.id()),
        );
    }
    record(&output, &format!("{} {:?}", secrets.report(), secrets.report()));

    let output = output.lock().unwrap();
    let bytes = format!("{:?}", CANARY.as_bytes());
    let hex = hex::encode(CANARY);
    for form in [CANARY, bytes.trim_matches(['[', ']']), &hex] {
        assert!(!output.contains(form), "{form} is shown in {output}");
    }
    assert!(output.contains("SecretValue("), "values were printed, redacted");
}

fn record(output: &Mutex<String>, text: &str) {
    output.lock().unwrap().push_str(text);
}
