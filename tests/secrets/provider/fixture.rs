//! A provider connected to a fake, a clock that a test advances, and a process with its events.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use secrets::aws::{Batching, CredentialSource, SecretsManager, Settings};
use secrets::rotation::{OverlapPolicy, Rotation};
use secrets::{Catalogue, Class, Clock, Event, Format, Profile, SecretSpec, SecretValue, Secrets};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};

pub(crate) const PREFIX: &str = "investiq/test";
pub(crate) const NAME: &str = "jwt_secret";
pub(crate) const OLD: &str = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZCE=";
pub(crate) const NEW: &str = "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE=";
/// 2026-01-01T00:00:00Z.
const START_UNIX_S: u64 = 1_767_225_600;
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(3_600);

#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || {
            let since = START_UNIX_S + clock.0.load(Ordering::SeqCst);
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
        proxy: None,
    }
}

pub(crate) async fn manager(fake: &FakeSecretsManager, clock: &TestClock) -> SecretsManager {
    let settings = settings(fake.endpoint_url(), Batching::Together);
    SecretsManager::connect(&settings, Profile::Development, clock.clock()).await.unwrap()
}

/// A signing key, whose previous value is accepted for a day.
pub(crate) fn spec() -> SecretSpec {
    spec_of(NAME, Class::SigningKey)
}

pub(crate) fn spec_of(name: &str, class: Class) -> SecretSpec {
    SecretSpec::new(name.parse().unwrap(), class, Format::Text, "a test")
}

pub(crate) fn terms(spec: &SecretSpec) -> OverlapPolicy {
    OverlapPolicy::new(spec, TOKEN_LIFE)
}

pub(crate) fn id() -> String {
    spec().name.aws_id(PREFIX)
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::from_slice(text.as_bytes())
}

pub(crate) async fn begin(manager: &SecretsManager, clock: &TestClock, path: &PathBuf) -> Rotation {
    Rotation::begin(manager, &spec(), clock.clock(), path, &terms(&spec())).await.unwrap()
}

pub(crate) struct Process {
    pub(crate) secrets: Secrets,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Process {
    pub(crate) async fn start(manager: &SecretsManager, clock: &TestClock, specs: Vec<SecretSpec>) -> Self {
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let recorded = Arc::clone(&events);
        let recorder: secrets::Recorder = Arc::new(move |event| recorded.lock().unwrap().push(event.clone()));
        let catalogue = Catalogue::new(specs).unwrap();
        let secrets = Secrets::builder(Profile::Development, catalogue, clock.clock())
            .source(manager.clone().recorder(Arc::clone(&recorder)))
            .recorder(recorder)
            .build()
            .await
            .unwrap();
        Self { secrets, events }
    }

    /// The current value.
    pub(crate) fn text(&self) -> Result<String, secrets::Error> {
        let set = self.secrets.handle(NAME, "test").unwrap().load()?;
        Ok(set.value().expose_text().unwrap().to_owned())
    }

    pub(crate) fn accepts(&self, candidate: &str) -> bool {
        let set = self.secrets.handle(NAME, "test").unwrap().load();
        set.is_ok_and(|set| set.verify_eq(candidate.as_bytes()).is_some())
    }

    /// Operations so far, without retries.
    pub(crate) fn operations(&self) -> usize {
        self.events().iter().filter(|event| matches!(event, Event::ApiCall { .. })).count()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}
