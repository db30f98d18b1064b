//! The order of sources: only after "not found" is the next one queried.

use std::sync::{Arc, Mutex};

use secrets::{
    BoxFuture, Catalogue, Class, Error, ErrorKind, Event, Format, InvalidReason, Origin, Profile, RawSecret,
    Requester, SecretSpec, Secrets, Source, SourceKind,
};

use crate::fixture::{Fixture, chmod, clock, keys, spec, text};
use crate::scripted::{self, Scripted};

const NAME: &str = "polygon_api_key";

#[tokio::test]
async fn the_environment_comes_before_the_mount_and_the_mount_before_the_service() {
    let service = || Scripted::new(|_, _| Ok("from-service"));
    let mut fixture = Fixture::new();
    let build = async |fixture: &Fixture| {
        fixture.builder(Profile::Production, keys(&[NAME])).source(service()).build().await.unwrap()
    };
    assert_eq!(text(&build(&fixture).await, NAME).as_deref(), Ok("from-service"));
    fixture.file(NAME, "from-mount\n");
    assert_eq!(text(&build(&fixture).await, NAME).as_deref(), Ok("from-mount"));
    fixture.variable("POLYGON_API_KEY", "from-variable");
    assert_eq!(text(&build(&fixture).await, NAME).as_deref(), Ok("from-variable"));
}

#[tokio::test]
async fn a_value_is_taken_out_of_json_in_every_source_alike() {
    const WRAPPED: &str = r#"{"POLYGON_API_KEY":"kT9v2LqX"}"#;
    let (mut in_variable, in_file, in_service) = (Fixture::new(), Fixture::new(), Fixture::new());
    in_variable.variable("POLYGON_API_KEY", WRAPPED);
    in_file.file(NAME, WRAPPED);
    let mut in_named_file = Fixture::new();
    let path = in_named_file.file("elsewhere", WRAPPED);
    in_named_file.variable("POLYGON_API_KEY_FILE", path.to_str().unwrap());
    for fixture in [in_variable, in_file, in_named_file, in_service] {
        let builder = fixture.builder(Profile::Production, keys(&[NAME]));
        let secrets = builder.source(Scripted::new(|_, _| Ok(WRAPPED))).build().await.unwrap();
        assert_eq!(text(&secrets, NAME).as_deref(), Ok("kT9v2LqX"));
        let report = secrets.report();
        let shadowed = &report.get(NAME).unwrap().version.as_ref().unwrap().shadowed;
        assert!(shadowed.iter().all(|shadow| !shadow.differs), "the same value in another form");
    }
}

#[tokio::test]
async fn systemd_credentials_come_after_the_mount() {
    let mut fixture = Fixture::new();
    let credentials = tempfile::tempdir().unwrap();
    std::fs::write(credentials.path().join(NAME), "from-systemd").unwrap();
    chmod(&credentials.path().join(NAME), 0o400);
    fixture.variable("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap());
    let secrets = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-systemd"));
    let origin = Origin::SystemdCredential { path: credentials.path().join(NAME) };
    assert_eq!(secrets.report().get(NAME).unwrap().version.as_ref().unwrap().origin, origin);
    fixture.file(NAME, "from-mount");
    let secrets = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-mount"));
}

#[tokio::test]
async fn only_after_not_found_is_the_next_source_queried() {
    type Fail = fn(&SecretSpec) -> Error;
    let errors: [(Fail, ErrorKind); 7] = [
        (scripted::not_found, ErrorKind::NotFound),
        (scripted::throttled, ErrorKind::Unavailable),
        (|spec| Error::Ambiguous { name: spec.name.clone(), origins: Vec::new() }, ErrorKind::Ambiguous),
        (
            |spec| Error::AccessDenied {
                name: spec.name.clone(),
                origin: scripted::origin(spec),
                requester: Requester::Request {
                    code: "AccessDeniedException".to_owned(),
                    request_id: "1".to_owned(),
                },
            },
            ErrorKind::AccessDenied,
        ),
        (
            |spec| Error::Invalid {
                name: spec.name.clone(),
                origin: scripted::origin(spec),
                reason: InvalidReason::Nul,
            },
            ErrorKind::Invalid,
        ),
        (|spec| Error::Internal { name: spec.name.clone(), what: "a test" }, ErrorKind::Internal),
        (|_| Error::Audit, ErrorKind::Audit),
    ];
    for (fail, kind) in errors {
        let first = Scripted::new(move |spec, _| Err(fail(spec)));
        let second = Scripted::new(|_, _| Ok("from-the-second"));
        let built = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
            .source(first)
            .source(second.clone())
            .build()
            .await;
        match built {
            Ok(secrets) => {
                assert_eq!(kind, ErrorKind::NotFound);
                assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-the-second"));
            }
            Err(errors) => {
                assert_ne!(kind, ErrorKind::NotFound);
                assert_eq!(errors.0.iter().map(Error::kind).collect::<Vec<_>>(), [kind]);
                assert_eq!(second.calls(), 0, "the next source was queried after {kind:?}");
            }
        }
    }
}

/// Returns no results.
struct EmptySource;

impl Source for EmptySource {
    fn is_local(&self) -> bool {
        false
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(async move { Err(scripted::not_found(spec)) })
    }

    fn get_many<'a>(&'a self, _: &'a [&'a SecretSpec]) -> BoxFuture<'a, Vec<Result<RawSecret, Error>>> {
        Box::pin(async { Vec::new() })
    }
}

#[tokio::test]
async fn a_missing_result_is_not_not_found() {
    let second = Scripted::new(|_, _| Ok("from-the-second"));
    let builder = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
        .source(EmptySource)
        .source(second.clone());
    let errors = builder.build().await.err().unwrap();
    assert_eq!(errors.0.iter().map(Error::kind).collect::<Vec<_>>(), [ErrorKind::Internal]);
    assert_eq!(second.calls(), 0);
}

#[tokio::test]
async fn undeclared_secrets_are_not_queried() {
    let mut fixture = Fixture::new();
    fixture.variable("OTHER_KEY", "x");
    let service = Scripted::new(|spec, _| Err(scripted::not_found(spec)));
    let secrets =
        fixture.builder(Profile::Production, keys(&[NAME])).source(service.clone()).build().await.unwrap();
    assert_eq!(service.calls(), 1);
    let error = secrets.handle("other_key", "test").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid secrets configuration: other_key is not declared in the catalogue"
    );
}

#[tokio::test]
async fn the_error_of_an_absent_secret_names_every_source() {
    let fixture = Fixture::new();
    let secrets = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let mount = fixture.path(NAME);
    let expected = format!(
        "secret {NAME} was not found in environment variable POLYGON_API_KEY, file {}",
        mount.display()
    );
    assert_eq!(text(&secrets, NAME), Err(expected));
}

#[tokio::test]
async fn a_shadowed_source_is_reported() {
    let mut fixture = Fixture::new();
    fixture.file(NAME, "one-value\n");
    fixture.variable("POLYGON_API_KEY", "one-value");
    let same = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap().report();
    fixture.file(NAME, "another-value");
    let differs = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap().report();
    for (report, expected) in [(same, false), (differs, true)] {
        let version = report.get(NAME).unwrap().version.clone().unwrap();
        assert_eq!(version.origin.kind(), SourceKind::Env);
        assert_eq!(version.shadowed.iter().map(|shadow| shadow.differs).collect::<Vec<_>>(), [expected]);
    }
}

#[tokio::test]
async fn an_empty_variable_or_file_is_unset_in_development_and_invalid_in_production() {
    const VARIABLE: &str = "environment variable POLYGON_API_KEY";
    let mut fixture = Fixture::new();
    let path = fixture.file(NAME, "\n").display().to_string();
    fixture.variable("POLYGON_API_KEY", "");
    let notices = async |fixture: &Fixture| {
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let reported = Arc::clone(&notices);
        let recorder: secrets::Recorder = Arc::new(move |event| {
            if let Event::Notice(notice) = event {
                reported.lock().unwrap().push(notice.to_string());
            }
        });
        let builder = fixture.builder(Profile::Development, keys(&[NAME])).recorder(recorder);
        let secrets = builder.source(Scripted::new(|_, _| Ok("from-service"))).build().await.unwrap();
        assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-service"));
        secrets.reload().await;
        notices.lock().unwrap().clone()
    };
    let empty = |place: &str| format!("secret {NAME} in {place} is empty and was treated as unset");
    assert_eq!(notices(&fixture).await, [empty(VARIABLE), empty(&format!("file {path}"))], "each once");
    let absent = fixture.builder(Profile::Development, keys(&[NAME])).build().await.unwrap();
    assert_eq!(absent.reload().await.notices.len(), 2, "also if no other source has the secret");
    let refused = async |fixture: &Fixture, place: &str| {
        let errors = fixture.builder(Profile::Production, keys(&[NAME])).build().await.err().unwrap();
        let expected = format!("1 error(s) in secrets\n  - secret {NAME} in {place} is empty");
        assert_eq!(errors.to_string(), expected);
    };
    refused(&fixture, VARIABLE).await;
    let fixture = Fixture::new();
    refused(&fixture, &format!("file {}", fixture.file(NAME, "").display())).await;
}

#[tokio::test]
async fn a_secret_has_one_file_under_any_of_its_names() {
    let spec = SecretSpec {
        aliases: &["ALPACA_SECRET_KEY"],
        ..spec("alpaca_api_secret", Class::ApiKey, Format::Text)
    };
    let catalogue = || Catalogue::new([spec.clone()]).unwrap();
    let names = ["alpaca_api_secret", "alpaca_api_secret.txt", "alpaca_secret_key", "alpaca_secret_key.txt"];
    assert_eq!(spec.file_names().collect::<Vec<_>>(), names);
    for name in names {
        let fixture = Fixture::new();
        let path = fixture.file(name, "from-mount");
        let secrets = fixture.builder(Profile::Production, catalogue()).build().await.unwrap();
        assert_eq!(text(&secrets, "alpaca_api_secret").as_deref(), Ok("from-mount"), "{name}");
        let origin = secrets.report().get("alpaca_api_secret").unwrap().version.clone().unwrap().origin;
        assert_eq!(origin, Origin::SecretFile { path });
        for other in names.into_iter().filter(|other| *other != name) {
            let second = fixture.file(other, "");
            let errors = fixture.builder(Profile::Development, catalogue()).build().await.err().unwrap();
            let error = errors.0[0].to_string();
            assert!(error.starts_with("secret alpaca_api_secret is set twice: file "), "{error}");
            for path in [fixture.path(name), second.clone()] {
                assert!(error.contains(&format!("file {}", path.display())), "{error}");
            }
            std::fs::remove_file(second).unwrap();
        }
    }
}
