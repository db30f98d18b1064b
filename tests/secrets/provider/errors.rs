//! Responses without a secret, and the errors they become.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrets::aws::{Batching, CredentialSource, SecretsManager, Selector};
use secrets::{Class, Clock, Error, ErrorKind, Outage, Profile, Source, Stage};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::provider::fixture::{OLD, TestClock, id, manager, settings, spec, spec_of};

async fn read(fake: &FakeSecretsManager, fault: Fault) -> Result<(), Error> {
    let manager = manager(fake, &TestClock::default()).await;
    fake.clear_faults();
    fake.always(Operation::BatchGetSecretValue, fault);
    manager.find(&spec().name, &Selector::CURRENT).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_become_errors_by_their_code() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let outages = [
        (Fault::Throttle, Outage::Throttled, 3),
        (Fault::InternalError, Outage::Service, 3),
        (Fault::Status(503), Outage::Service, 3),
        (Fault::Reset, Outage::Connection, 3),
        (Fault::ExpiredCredentials, Outage::Credentials, 2),
    ];
    for (fault, expected, attempts) in outages {
        let before = fake.calls_total();
        match read(&fake, fault.clone()).await {
            Err(Error::Unavailable { outage, .. }) => assert_eq!(outage, expected, "{fault:?}"),
            other => panic!("{fault:?}: {other:?}"),
        }
        assert_eq!(fake.calls_total() - before, attempts, "{fault:?}");
    }
    for fault in [Fault::Garbage, Fault::CutBody] {
        assert!(read(&fake, fault.clone()).await.unwrap_err().is_transient(), "{fault:?}");
    }
    let error = read(&fake, Fault::DecryptionFailure).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("DecryptionFailure"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_service_times_out_within_its_limits() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let mut elapsed_s: Vec<f64> = Vec::new();
    // Two attempts of 2 s and a pause, within the limit of 5 s; a third attempt would take more than 6 s. A busy machine may
    // be late, but not every time.
    while elapsed_s.len() < 3 && !elapsed_s.last().is_some_and(|last| (4.0..5.5).contains(last)) {
        let started = std::time::Instant::now();
        let result = read(&fake, Fault::Hang).await;
        assert!(matches!(result, Err(Error::Unavailable { outage: Outage::Timeout, .. })), "{result:?}");
        elapsed_s.push(started.elapsed().as_secs_f64());
    }
    assert!(elapsed_s.last().is_some_and(|last| (4.0..5.5).contains(last)), "{elapsed_s:?} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_date_of_a_response_shows_the_clock_skew() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    for (offset_s, expected_s) in [(0, 0..=10), (100, 90..=110)] {
        let ours = now() + Duration::from_secs(offset_s);
        let settings = settings(fake.endpoint_url(), Batching::Together);
        let clock: Clock = Arc::new(move || ours);
        let manager = SecretsManager::connect(&settings, Profile::Development, clock).await.unwrap();
        assert_eq!(manager.clock_skew(), None, "no request was sent");
        manager.find(&spec().name, &Selector::CURRENT).await.unwrap();
        let skew_s = manager.clock_skew().unwrap().as_secs();
        assert!(expected_s.contains(&skew_s), "{skew_s}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the fake dates its responses by this machine's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_credentials_are_refreshed_once() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let manager = manager(&fake, &TestClock::default()).await;
    fake.next(Operation::BatchGetSecretValue, [Fault::ExpiredCredentials]);
    assert!(manager.find(&spec().name, &Selector::CURRENT).await.is_ok());
    assert_eq!(fake.calls_total(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_secret_of_a_batch_does_not_affect_the_others() {
    let fake = FakeSecretsManager::start();
    let specs = [spec(), spec_of("denied_key", Class::ApiKey), spec_of("absent_key", Class::ApiKey)];
    fake.seed(&id(), OLD);
    let denied = specs[1].name.aws_id(crate::provider::fixture::PREFIX);
    fake.seed(&denied, OLD);
    fake.deny(&denied);
    let manager = manager(&fake, &TestClock::default()).await;
    let specs: Vec<_> = specs.iter().collect();
    let results = manager.get_many(&specs).await;
    let kinds: Vec<Option<ErrorKind>> =
        results.iter().map(|result| result.as_ref().err().map(Error::kind)).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::AccessDenied), Some(ErrorKind::NotFound)]);
    assert_eq!(fake.calls_total(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_marked_for_deletion_can_be_restored() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let manager = manager(&fake, &TestClock::default()).await;
    let window = secrets::aws::RecoveryWindow::Days(7);
    let deletion_at = manager.delete(&spec().name, window).await.unwrap();
    assert!(deletion_at.is_some());
    for which in [Selector::CURRENT, Selector::Stage(Stage::Pending)] {
        let found = manager.find(&spec().name, &which).await;
        let kind = found.as_ref().err().map(Error::kind);
        assert!(matches!(kind, Some(ErrorKind::Deleted | ErrorKind::NotFound)), "{found:?}");
    }
    assert!(manager.describe(&spec().name).await.unwrap().deletion_requested.is_some());
    manager.restore(&spec().name).await.unwrap();
    assert!(manager.find(&spec().name, &Selector::CURRENT).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_rejected_and_a_custom_endpoint_is_for_development_only() {
    let fake = FakeSecretsManager::start();
    let mut settings = settings(fake.endpoint_url(), Batching::Together);
    for profile in [Profile::Production, Profile::Staging] {
        let connected = SecretsManager::connect(&settings, profile, TestClock::default().clock()).await;
        assert_eq!(connected.err().map(|error| error.kind()), Some(ErrorKind::Config));
    }
    if let CredentialSource::Static { access_key_id, .. } = &mut settings.credentials {
        *access_key_id = "AKIDUNKNOWN000000001".to_owned();
    }
    let unknown = SecretsManager::connect(&settings, Profile::Development, TestClock::default().clock());
    let error = unknown.await.unwrap().describe(&spec().name).await.unwrap_err();
    assert!(error.to_string().contains("UnrecognizedClientException"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_sends_no_request() {
    let fake = FakeSecretsManager::start();
    let manager = manager(&fake, &TestClock::default()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((fake.calls_total(), fake.heads().len()), (0, 0));
    drop(manager);
}
