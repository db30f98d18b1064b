//! What a strict profile refuses, what development merely says, and that everything is said at once.

use secrets::{
    Breach, Catalogue, Class, Error, Format, Kind, Misuse, Profile, SecretSpec, Secrets, SourceKind,
};

use crate::stage::{Stage, clock, keys, spec};

async fn problems(stage: &Stage, profile: Profile, catalogue: Catalogue) -> Vec<Error> {
    stage.builder(profile, catalogue).build().await.err().map_or(Vec::new(), |problems| problems.0)
}

fn key_and(name: &str) -> Catalogue {
    Catalogue::new([
        spec("jwt_secret", Class::SigningKey, Format::Text),
        spec(name, Class::ApiKey, Format::Text),
    ])
    .unwrap()
}

#[tokio::test]
async fn each_rule_fires_in_production_and_is_a_notice_in_development() {
    let cases = [
        ("changeme", Breach::Placeholder),
        ("your-256-bit-secret", Breach::Example),
        ("abababababababababab", Breach::Repeated),
        ("0123456789abcdefghij", Breach::Sequential),
        ("kT9v2LqX", Breach::Weak { bits: 47, bits_min: 128 }),
    ];
    for (value, breach) in cases {
        let stage = Stage::new();
        stage.file("jwt_secret", value);
        for strict in [Profile::Production, Profile::Staging] {
            let found = problems(&stage, strict, key_and("other")).await;
            assert!(
                matches!(&found[..], [Error::Policy { breach: found, .. }] if *found == breach),
                "{value}: {found:?}"
            );
        }
        let notices = stage
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
    let mut stage = Stage::new();
    stage.file("jwt_secret", "u5fJ0w7dHk3mZq9xT1bRaG2v");
    stage.variable("OTHER", "u5fJ0w7dHk3mZq9xT1bRaG2v");
    let found = problems(&stage, Profile::Production, key_and("other")).await;
    let expected = "secret other in environment variable OTHER has the same value as secret jwt_secret";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn a_place_that_is_not_allowed_is_refused() {
    let mut stage = Stage::new();
    stage.variable("KEY", "kT9v2LqXw0cP");
    let spec = SecretSpec { sources: &[SourceKind::File], ..spec("key", Class::ApiKey, Format::Text) };
    let found = problems(&stage, Profile::Production, Catalogue::new([spec]).unwrap()).await;
    assert!(matches!(&found[..], [Error::Policy { breach: Breach::Source, .. }]), "{found:?}");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let mut stage = Stage::new();
    stage.file("key_a", "changeme");
    stage.file("key_b", "two\nlines");
    stage.variable("KEY_C", "x");
    stage.variable("KEY_C_FILE", "/nowhere");
    let builder = stage.builder(Profile::Production, keys(&["key_a", "key_b", "key_c", "key_d", "key_e"]));
    let found = builder.require("key_d").build().await.err().unwrap().0;
    let kinds: Vec<Kind> = found.iter().map(Error::kind).collect();
    assert_eq!(kinds, [Kind::Policy, Kind::Invalid, Kind::Ambiguous, Kind::NotFound]);
}

#[tokio::test]
async fn what_a_profile_requires_must_be_there() {
    let stage = Stage::new();
    let required =
        |profiles| SecretSpec { required_in: profiles, ..spec("key", Class::ApiKey, Format::Text) };
    let catalogue = Catalogue::new([required(&[Profile::Production])]).unwrap();
    assert!(problems(&stage, Profile::Development, catalogue.clone()).await.is_empty());
    let found = problems(&stage, Profile::Production, catalogue).await;
    assert_eq!(found.iter().map(Error::kind).collect::<Vec<_>>(), [Kind::NotFound]);
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let address = "0.0.0.0:3000".parse().unwrap();
    let found = Secrets::builder(Profile::Development, keys(&["key"]), clock())
        .require("other")
        .listen_on(address)
        .build()
        .await
        .err()
        .unwrap();
    let expected =
        [Misuse::NoProvider, Misuse::Undeclared("other".to_owned()), Misuse::DevelopmentInPublic(address)];
    assert_eq!(found.0, expected.map(Error::Config));
    let stage = Stage::new();
    let loopback = ["127.0.0.1:3000", "[::1]:3000"].map(|address| address.parse().unwrap());
    let local = loopback
        .into_iter()
        .fold(stage.builder(Profile::Development, keys(&["key"])), secrets::Builder::listen_on);
    assert!(local.build().await.is_ok());
    let public = stage.builder(Profile::Production, keys(&["key"])).listen_on(address);
    assert!(public.build().await.is_ok());
}
