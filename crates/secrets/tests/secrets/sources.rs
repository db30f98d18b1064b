//! The order of places, and that only "not found" lets the next one be asked.

use secrets::{
    Answer, Asker, Capabilities, Error, Fault, Found, Kind, Origin, Profile, Provider, SecretSpec, Secrets,
    Selector, SourceKind,
};

use crate::scripted::{self, Scripted};
use crate::stage::{Stage, chmod, clock, keys, text};

const NAME: &str = "polygon_api_key";

#[tokio::test]
async fn the_environment_comes_before_the_mount_and_the_mount_before_the_service() {
    let service = || Scripted::new(|_, _| Ok("from-service"));
    let mut stage = Stage::new();
    let build = async |stage: &Stage| {
        stage.builder(Profile::Production, keys(&[NAME])).provider(service()).build().await.unwrap()
    };
    assert_eq!(text(&build(&stage).await, NAME).as_deref(), Ok("from-service"));
    stage.file(NAME, "from-mount\n");
    assert_eq!(text(&build(&stage).await, NAME).as_deref(), Ok("from-mount"));
    stage.variable("POLYGON_API_KEY", "from-variable");
    assert_eq!(text(&build(&stage).await, NAME).as_deref(), Ok("from-variable"));
}

#[tokio::test]
async fn systemd_credentials_come_after_the_mount() {
    let mut stage = Stage::new();
    let credentials = tempfile::tempdir().unwrap();
    std::fs::write(credentials.path().join(NAME), "from-systemd").unwrap();
    chmod(&credentials.path().join(NAME), 0o400);
    stage.variable("CREDENTIALS_DIRECTORY", credentials.path());
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-systemd"));
    let origin = Origin::SystemdCredential { path: credentials.path().join(NAME) };
    assert_eq!(secrets.report().get(NAME).unwrap().version.as_ref().unwrap().origin, origin);
    stage.file(NAME, "from-mount");
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-mount"));
}

/// Every error a place can give, and whether the place after it is asked.
#[tokio::test]
async fn only_not_found_lets_the_next_place_be_asked() {
    type Fail = fn(&SecretSpec) -> Error;
    let errors: [(Fail, Kind); 7] = [
        (scripted::not_found, Kind::NotFound),
        (scripted::throttled, Kind::Unavailable),
        (|spec| Error::Ambiguous { name: spec.name.clone(), origins: Vec::new() }, Kind::Ambiguous),
        (
            |spec| Error::AccessDenied {
                name: spec.name.clone(),
                origin: scripted::origin(spec),
                to: Asker::Request { code: "AccessDeniedException".to_owned(), request_id: "1".to_owned() },
            },
            Kind::AccessDenied,
        ),
        (
            |spec| Error::Invalid {
                name: spec.name.clone(),
                origin: scripted::origin(spec),
                fault: Fault::Nul,
            },
            Kind::Invalid,
        ),
        (|spec| Error::Internal { name: spec.name.clone(), what: "a test" }, Kind::Internal),
        (|_| Error::Audit, Kind::Audit),
    ];
    for (fail, kind) in errors {
        let first = Scripted::new(move |spec, _| Err(fail(spec)));
        let second = Scripted::new(|_, _| Ok("from-the-second"));
        let asked = second.clone();
        let built = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
            .provider(first)
            .provider(second)
            .build()
            .await;
        match built {
            Ok(secrets) => {
                assert_eq!(kind, Kind::NotFound);
                assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-the-second"));
            }
            Err(problems) => {
                assert_ne!(kind, Kind::NotFound);
                assert_eq!(problems.0.iter().map(Error::kind).collect::<Vec<_>>(), [kind]);
                assert_eq!(asked.calls(), 0, "{kind:?} let the next place be asked");
            }
        }
    }
}

/// Answers nothing at all.
struct Mute;

impl Provider for Mute {
    fn capabilities(&self) -> Capabilities {
        Capabilities { is_local: false, has_versions: false }
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec, _: &'a Selector) -> Answer<'a, Result<Found, Error>> {
        Box::pin(async move { Err(scripted::not_found(spec)) })
    }

    fn get_many<'a>(&'a self, _: &'a [&'a SecretSpec]) -> Answer<'a, Vec<Result<Found, Error>>> {
        Box::pin(async { Vec::new() })
    }
}

#[tokio::test]
async fn a_place_that_does_not_answer_has_not_said_not_found() {
    let second = Scripted::new(|_, _| Ok("from-the-second"));
    let asked = second.clone();
    let builder =
        Secrets::builder(Profile::Production, keys(&[NAME]), clock()).provider(Mute).provider(second);
    let problems = builder.build().await.err().unwrap();
    assert_eq!(problems.0.iter().map(Error::kind).collect::<Vec<_>>(), [Kind::Internal]);
    assert_eq!(asked.calls(), 0);
}

#[tokio::test]
async fn nothing_is_asked_for_that_is_not_declared() {
    let mut stage = Stage::new();
    stage.variable("OTHER_KEY", "x");
    let service = Scripted::new(|spec, _| Err(scripted::not_found(spec)));
    let asked = service.clone();
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).provider(service).build().await.unwrap();
    assert_eq!(asked.calls(), 1);
    let error = secrets.handle("other_key", "test").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secrets are set up wrongly: other_key is not declared in the catalogue"
    );
}

#[tokio::test]
async fn an_absent_secret_names_every_place_that_was_asked() {
    let stage = Stage::new();
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let mount = stage.path(NAME);
    let expected = format!(
        "secret {NAME} was not found in environment variable POLYGON_API_KEY, file {}",
        mount.display()
    );
    assert_eq!(text(&secrets, NAME), Err(expected));
}

#[tokio::test]
async fn a_place_that_is_hidden_by_an_earlier_one_is_reported() {
    let mut stage = Stage::new();
    stage.file(NAME, "one-value\n");
    stage.variable("POLYGON_API_KEY", "one-value");
    let same = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap().report();
    stage.file(NAME, "another-value");
    let differs = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap().report();
    for (report, expected) in [(same, false), (differs, true)] {
        let version = report.get(NAME).unwrap().version.clone().unwrap();
        assert_eq!(version.origin.kind(), SourceKind::Env);
        assert_eq!(version.shadowed.iter().map(|shadow| shadow.differs).collect::<Vec<_>>(), [expected]);
    }
}

#[tokio::test]
async fn an_empty_variable_is_unset_in_development_and_wrong_in_production() {
    let mut stage = Stage::new();
    stage.variable("POLYGON_API_KEY", "");
    stage.file(NAME, "from-mount");
    let development = stage.builder(Profile::Development, keys(&[NAME])).build().await.unwrap();
    assert_eq!(text(&development, NAME).as_deref(), Ok("from-mount"));
    let problems = stage.builder(Profile::Production, keys(&[NAME])).build().await.err().unwrap();
    let expected = "1 problem(s) with secrets\n  - secret polygon_api_key in environment variable POLYGON_API_KEY is empty";
    assert_eq!(problems.to_string(), expected);
}
