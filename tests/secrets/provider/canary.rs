//! Values that are read, written and rotated must appear nowhere: in no library's log at any level, no event, no error, no
//! plan.

use std::io;
use std::sync::{Arc, Mutex};

use secrets::aws::{SecretsManager, Selector, Token};
use secrets::rotation::{Distribution, NewValue};
use secrets::{Profile, Stage};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::provider::fixture::{Process, TestClock, begin, id, manager, settings, spec, value};

const CANARIES: [&str; 3] = ["c4n4ry-one-Zq1xW9", "c4n4ry-two-Kp7mR3", "c4n4ry-key-Vb5nT8"];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn subscriber(log: &Log) -> impl tracing::Subscriber + Send + Sync + 'static {
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
}

#[tokio::test]
async fn no_value_is_shown_or_logged() {
    let log = Log::default();
    // With one subscriber, the thread that first reaches a callsite decides whether it is ever enabled, and threads of other
    // tests have none. With two, tracing asks every time.
    let _second = tracing::Dispatch::new(subscriber(&Log::default()));
    let _guard = tracing::subscriber::set_default(subscriber(&log));

    let shown = rotate_with_failures().await;
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("GetSecretValue") && log.contains("TRACE"), "the libraries log at every level");
    for canary in CANARIES {
        let bytes = format!("{:?}", canary.as_bytes());
        for form in [canary, bytes.trim_matches(['[', ']'])] {
            assert!(!shown.contains(form), "{form} is shown");
            assert!(!log.contains(form), "{form} is logged: {:?}", around(&log, form));
        }
    }
}

/// Everything that a rotation shows, failures included.
async fn rotate_with_failures() -> String {
    let (fake, clock, directory) =
        (FakeSecretsManager::start(), TestClock::default(), tempfile::tempdir().unwrap());
    fake.seed(&id(), CANARIES[0]);
    let manager = manager(&fake, &clock).await;
    let process = Process::start(&manager, &clock, vec![spec()]).await;
    let path = directory.path().join("plan");
    let mut rotation = begin(&manager, &clock, &path).await;
    rotation.create(&NewValue::Given(value(CANARIES[1]))).await.unwrap();
    let plan = std::fs::read_to_string(&path).unwrap();
    process.secrets.reload().await;
    rotation.finish(Distribution::Reported).await.unwrap();
    let mut shown = format!("{plan} {:?} {}", rotation.status(), process.secrets.report());
    for fault in [Fault::Throttle, Fault::CutBody, Fault::Garbage, Fault::DecryptionFailure] {
        fake.always(Operation::BatchGetSecretValue, fault.clone());
        fake.always(Operation::GetSecretValue, fault);
        for which in [Selector::CURRENT, Selector::Stage(Stage::Previous)] {
            let error = manager.find(&spec().name, &which).await.unwrap_err();
            shown += &format!("{error} {error:?}");
        }
    }
    fake.clear_faults();
    let repeated = Token::from_version(&rotation.status().to);
    let error = manager.put(&spec().name, &value("another"), &repeated, Stage::Pending).await.unwrap_err();
    let found = manager.find(&spec().name, &Selector::CURRENT).await.unwrap();
    shown + &format!("{error} {found:?} {:?} {}", process.events(), with_canary_key(&fake, &clock).await)
}

/// Shows a provider with a canary as its access key.
async fn with_canary_key(fake: &FakeSecretsManager, clock: &TestClock) -> String {
    let mut settings = settings(fake.endpoint_url(), secrets::aws::Batching::OneByOne);
    if let secrets::aws::CredentialSource::Static { secret_access_key, .. } = &mut settings.credentials {
        *secret_access_key = value(CANARIES[2]);
    }
    let manager = SecretsManager::connect(&settings, Profile::Development, clock.clock()).await.unwrap();
    format!("{settings:?} {:?}", manager.describe(&spec().name).await)
}

fn around(log: &str, form: &str) -> Option<String> {
    let at = log.find(form)?;
    let before: String = log.chars().take(at).collect();
    Some(before.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect())
}
