//! Rules that strict profiles enforce and development reports, and errors that are reported at once.

use secrets::{
    Catalogue, Class, ConfigError, Error, ErrorKind, Format, PolicyViolation, Profile, SecretSpec, Secrets,
    SourceKind,
};

use crate::fixture::{Fixture, clock, keys, spec};

async fn errors(fixture: &Fixture, profile: Profile, catalogue: Catalogue) -> Vec<Error> {
    fixture.builder(profile, catalogue).build().await.err().map_or(Vec::new(), |errors| errors.0)
}

fn key_and(name: &str) -> Catalogue {
    Catalogue::new([
        spec("jwt_secret", Class::SigningKey, Format::Text),
        spec(name, Class::ApiKey, Format::Text),
    ])
    .unwrap()
}

#[tokio::test]
async fn each_rule_is_enforced_in_production_and_reported_in_development() {
    let cases = [
        ("changeme", PolicyViolation::Placeholder),
        ("your-256-bit-secret", PolicyViolation::PublishedExample),
        ("abababababababababab", PolicyViolation::RepeatedPattern),
        ("0123456789abcdefghij", PolicyViolation::Sequential),
        ("kT9v2LqX", PolicyViolation::Weak { bits: 47, bits_min: 128 }),
    ];
    for (value, violation) in cases {
        let fixture = Fixture::new();
        fixture.file("jwt_secret", value);
        for strict in [Profile::Production, Profile::Staging] {
            let errors = errors(&fixture, strict, key_and("other")).await;
            assert!(
                matches!(&errors[..], [Error::Policy { violation: actual, .. }] if *actual == violation),
                "{value}: {errors:?}"
            );
        }
        let notices = fixture
            .builder(Profile::Development, key_and("other"))
            .build()
            .await
            .unwrap()
            .reload()
            .await
            .notices;
        assert_eq!(notices.len(), 1, "{value}");
    }
}

#[tokio::test]
async fn a_value_under_two_names_is_refused() {
    let mut fixture = Fixture::new();
    fixture.file("jwt_secret", "u5fJ0w7dHk3mZq9xT1bRaG2v");
    fixture.variable("OTHER", "u5fJ0w7dHk3mZq9xT1bRaG2v");
    let errors = errors(&fixture, Profile::Production, key_and("other")).await;
    let expected = "secret other in environment variable OTHER has the same value as secret jwt_secret";
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn a_source_that_is_not_allowed_is_refused() {
    let mut fixture = Fixture::new();
    fixture.variable("KEY", "kT9v2LqXw0cP");
    let spec = SecretSpec { sources: &[SourceKind::File], ..spec("key", Class::ApiKey, Format::Text) };
    let errors = errors(&fixture, Profile::Production, Catalogue::new([spec]).unwrap()).await;
    assert!(
        matches!(&errors[..], [Error::Policy { violation: PolicyViolation::SourceNotAllowed, .. }]),
        "{errors:?}"
    );
}

#[tokio::test]
async fn all_errors_are_reported_at_once() {
    let mut fixture = Fixture::new();
    fixture.file("key_a", "changeme");
    fixture.file("key_b", "two\nlines");
    fixture.variable("KEY_C", "x");
    fixture.variable("KEY_C_FILE", "/nowhere");
    let builder = fixture.builder(Profile::Production, keys(&["key_a", "key_b", "key_c", "key_d", "key_e"]));
    let errors = builder.require("key_d").build().await.err().unwrap().0;
    let kinds: Vec<ErrorKind> = errors.iter().map(Error::kind).collect();
    assert_eq!(kinds, [ErrorKind::Policy, ErrorKind::Invalid, ErrorKind::Ambiguous, ErrorKind::NotFound]);
}

#[tokio::test]
async fn required_secrets_must_exist() {
    let fixture = Fixture::new();
    let required =
        |profiles| SecretSpec { required_in: profiles, ..spec("key", Class::ApiKey, Format::Text) };
    let catalogue = Catalogue::new([required(&[Profile::Production])]).unwrap();
    assert!(errors(&fixture, Profile::Development, catalogue.clone()).await.is_empty());
    let errors = errors(&fixture, Profile::Production, catalogue).await;
    assert_eq!(errors.iter().map(Error::kind).collect::<Vec<_>>(), [ErrorKind::NotFound]);
}

#[tokio::test]
async fn contradictory_settings_are_refused() {
    let errors = Secrets::builder(Profile::Development, keys(&["key"]), clock())
        .require("other")
        .build()
        .await
        .err()
        .unwrap();
    let expected = [ConfigError::NoSource, ConfigError::Undeclared("other".to_owned())];
    assert_eq!(errors.0, expected.map(Error::Config));
}
