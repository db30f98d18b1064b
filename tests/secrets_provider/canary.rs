//! Values that are read, written and rotated must appear in nothing that is told: no log of any library at its most
//! talkative, no event, no error, no plan.

use std::io;
use std::sync::{Arc, Mutex};

use secrets::aws::{SecretsManager, Token};
use secrets::rotation::{Distribution, NewValue};
use secrets::{Profile, Selector};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::stage::{Hands, Process, begin, id, manager, settings, spec, value};

const CANARIES: [&str; 3] = ["c4n4ry-one-Zq1xW9", "c4n4ry-two-Kp7mR3", "c4n4ry-key-Vb5nT8"];

/// Keeps what is logged.
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

/// Writes down everything.
fn subscriber(log: &Log) -> impl tracing::Subscriber + Send + Sync + 'static {
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
}

#[tokio::test]
async fn no_value_is_in_anything_that_is_told() {
    let log = Log::default();
    // While there is one subscriber alone, the thread that first comes to a place decides whether anything is ever logged
    // there, and in the threads of other tests nobody listens. With two, all are asked.
    let _another = tracing::Dispatch::new(subscriber(&Log::default()));
    let _guard = tracing::subscriber::set_default(subscriber(&log));

    let shown = exercised().await;
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("GetSecretValue") && log.contains("TRACE"), "the libraries were talkative");
    for canary in CANARIES {
        let bytes = format!("{:?}", canary.as_bytes());
        for form in [canary, bytes.trim_matches(['[', ']'])] {
            assert!(!shown.contains(form), "{form} is shown");
            assert!(!log.contains(form), "{form} is logged: {:?}", around(&log, form));
        }
    }
}

/// Everything that a rotation shows on its way, failures included.
async fn exercised() -> String {
    let (fake, hands, place) = (FakeSecretsManager::start(), Hands::default(), tempfile::tempdir().unwrap());
    fake.seed(&id(), CANARIES[0]);
    let manager = manager(&fake, &hands).await;
    let process = Process::start(&manager, &hands, vec![spec()]).await;
    let path = place.path().join("plan");
    let mut rotation = begin(&manager, &hands, &path).await;
    rotation.create(&NewValue::Given(value(CANARIES[1]))).await.unwrap();
    let plan = std::fs::read_to_string(&path).unwrap();
    process.secrets.reload().await;
    rotation.finish(Distribution::Reported).await.unwrap();
    let mut shown = format!("{plan} {:?} {}", rotation.status(), process.secrets.report());
    for fault in [Fault::Throttle, Fault::CutBody, Fault::Garbage, Fault::DecryptionFailure] {
        fake.always(Operation::BatchGetSecretValue, fault.clone());
        fake.always(Operation::GetSecretValue, fault);
        for which in [Selector::Current, Selector::Previous] {
            let error = manager.find(&spec().name, &which).await.unwrap_err();
            shown += &format!("{error} {error:?}");
        }
    }
    fake.behave();
    let repeated = Token::known(&rotation.status().to);
    let error =
        manager.put(&spec().name, &value("another"), &repeated, secrets::Stage::Pending).await.unwrap_err();
    let found = manager.find(&spec().name, &Selector::Current).await.unwrap();
    shown + &format!("{error} {found:?} {:?} {}", process.told(), keyed(&fake, &hands).await)
}

/// A key of the account is as secret as what it opens.
async fn keyed(fake: &FakeSecretsManager, hands: &Hands) -> String {
    let mut settings = settings(fake.endpoint_url(), secrets::aws::Batching::OneByOne);
    if let secrets::aws::CredentialSource::Static { secret_access_key, .. } = &mut settings.credentials {
        *secret_access_key = value(CANARIES[2]);
    }
    let manager = SecretsManager::connect(&settings, Profile::Development, hands.clock()).await.unwrap();
    format!("{settings:?} {:?}", manager.describe(&spec().name).await)
}

fn around(log: &str, form: &str) -> Option<String> {
    let at = log.find(form)?;
    let before: String = log.chars().take(at).collect();
    Some(before.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect())
}
