//! A provider set up against an address, a clock that a test moves, and what was told on the way.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use secrets::aws::{Batching, CredentialSource, SecretsManager, Settings};
use secrets::rotation::{Rotation, Terms};
use secrets::{Catalogue, Class, Clock, Event, Format, Profile, SecretSpec, SecretValue, Secrets};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};

/// Product and environment of every test.
pub(crate) const PREFIX: &str = "investiq/test";
pub(crate) const NAME: &str = "jwt_secret";
/// Values that a test puts into the place by hand.
pub(crate) const OLD: &str = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZCE=";
pub(crate) const NEW: &str = "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE=";
/// The wall clock of every test begins at 2026-01-01T00:00:00Z.
const BEGIN_UNIX_S: u64 = 1_767_225_600;
/// The tokens of every test live for an hour.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(3_600);

/// A wall clock that a test moves.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let hands = self.clone();
        Arc::new(move || {
            let since = BEGIN_UNIX_S + hands.0.load(Ordering::SeqCst);
            SystemTime::UNIX_EPOCH + Duration::from_secs(since)
        })
    }
}

pub(crate) fn settings(endpoint: String, batching: Batching) -> Settings {
    Settings {
        prefix: PREFIX.to_owned(),
        region: REGION.to_owned(),
        endpoint: Some(endpoint),
        credentials: CredentialSource::Static {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SecretValue::from_slice(SECRET_ACCESS_KEY.as_bytes()),
            session_token: None,
        },
        batching,
    }
}

pub(crate) async fn manager(fake: &FakeSecretsManager, hands: &Hands) -> SecretsManager {
    let settings = settings(fake.endpoint_url(), Batching::Together);
    SecretsManager::connect(&settings, Profile::Development, hands.clock()).await.unwrap()
}

/// A signing key, whose value before is accepted for a day.
pub(crate) fn spec() -> SecretSpec {
    spec_of(NAME, Class::SigningKey)
}

pub(crate) fn spec_of(name: &str, class: Class) -> SecretSpec {
    SecretSpec::new(name.parse().unwrap(), class, Format::Text, "a test")
}

pub(crate) fn terms(spec: &SecretSpec) -> Terms {
    Terms::of(spec, TOKEN_LIFE)
}

pub(crate) fn id() -> String {
    spec().name.aws_id(PREFIX)
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::from_slice(text.as_bytes())
}

pub(crate) async fn begin(manager: &SecretsManager, hands: &Hands, path: &PathBuf) -> Rotation {
    Rotation::begin(manager, &spec(), hands.clock(), path, &terms(&spec())).await.unwrap()
}

/// A process that keeps these secrets, and what it was told.
pub(crate) struct Process {
    pub(crate) secrets: Secrets,
    told: Arc<Mutex<Vec<Event>>>,
}

impl Process {
    pub(crate) async fn start(manager: &SecretsManager, hands: &Hands, specs: Vec<SecretSpec>) -> Self {
        let told: Arc<Mutex<Vec<Event>>> = Arc::default();
        let hear = Arc::clone(&told);
        let recorder: secrets::Recorder = Arc::new(move |event| hear.lock().unwrap().push(event.clone()));
        let catalogue = Catalogue::new(specs).unwrap();
        let secrets = Secrets::builder(Profile::Development, catalogue, hands.clock())
            .provider(manager.clone().recorder(Arc::clone(&recorder)))
            .recorder(recorder)
            .build()
            .await
            .unwrap();
        Self { secrets, told }
    }

    /// The text in use, or what stands in its way.
    pub(crate) fn text(&self) -> Result<String, secrets::Error> {
        let set = self.secrets.handle(NAME, "test").unwrap().load()?;
        Ok(set.value().expose_text().unwrap().to_owned())
    }

    pub(crate) fn accepts(&self, candidate: &str) -> bool {
        let set = self.secrets.handle(NAME, "test").unwrap().load();
        set.is_ok_and(|set| set.verify_eq(candidate.as_bytes()).is_some())
    }

    /// How many operations were asked for, retries not counted.
    pub(crate) fn asked(&self) -> usize {
        self.told().iter().filter(|event| matches!(event, Event::Asked { .. })).count()
    }

    pub(crate) fn told(&self) -> Vec<Event> {
        self.told.lock().unwrap().clone()
    }
}
