//! Each answer that is no secret, and what becomes of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrets::aws::{Batching, CredentialSource, SecretsManager};
use secrets::{Class, Clock, Error, Kind, Outage, Profile, Provider, Selector};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::stage::{Hands, OLD, id, manager, settings, spec, spec_of};

async fn read(fake: &FakeSecretsManager, fault: Fault) -> Result<(), Error> {
    let manager = manager(fake, &Hands::default()).await;
    fake.behave();
    fake.always(Operation::BatchGetSecretValue, fault);
    manager.find(&spec().name, &Selector::Current).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_judged_by_its_code() {
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
    let refused = read(&fake, Fault::DecryptionFailure).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::AccessDenied);
    assert!(refused.to_string().contains("DecryptionFailure"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_is_given_up_within_its_limits() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let mut took = Vec::new();
    // Two attempts of 2 s and the pause between them, cut by the limit of 5 s; a third attempt would take more than 6 s. A
    // busy machine may be late, but not every time.
    while took.len() < 3 && !took.last().is_some_and(|last| (4.0..5.5).contains(last)) {
        let began = std::time::Instant::now();
        let answer = read(&fake, Fault::Hang).await;
        assert!(matches!(answer, Err(Error::Unavailable { outage: Outage::Timeout, .. })), "{answer:?}");
        took.push(began.elapsed().as_secs_f64());
    }
    assert!(took.last().is_some_and(|last| (4.0..5.5).contains(last)), "{took:?} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_date_of_an_answer_tells_how_far_our_clock_is_from_the_services() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    for (offset_s, expected_s) in [(0, 0..=10), (100, 90..=110)] {
        let ours = now() + Duration::from_secs(offset_s);
        let settings = settings(fake.endpoint_url(), Batching::Together);
        let clock: Clock = Arc::new(move || ours);
        let manager = SecretsManager::connect(&settings, Profile::Development, clock).await.unwrap();
        assert_eq!(manager.clock_skew(), None, "nothing was asked");
        manager.find(&spec().name, &Selector::Current).await.unwrap();
        let skew_s = manager.clock_skew().unwrap().as_secs();
        assert!(expected_s.contains(&skew_s), "{skew_s}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the fake dates its answers by this machine's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_credentials_are_renewed_once() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let manager = manager(&fake, &Hands::default()).await;
    fake.next(Operation::BatchGetSecretValue, [Fault::ExpiredCredentials]);
    assert!(manager.find(&spec().name, &Selector::Current).await.is_ok());
    assert_eq!(fake.calls_total(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_secret_of_a_batch_leaves_the_others_alone() {
    let fake = FakeSecretsManager::start();
    let specs = [spec(), spec_of("denied_key", Class::ApiKey), spec_of("absent_key", Class::ApiKey)];
    fake.seed(&id(), OLD);
    let denied = specs[1].name.aws_id(crate::stage::PREFIX);
    fake.seed(&denied, OLD);
    fake.deny(&denied);
    let manager = manager(&fake, &Hands::default()).await;
    let specs: Vec<_> = specs.iter().collect();
    let answers = manager.get_many(&specs).await;
    let kinds: Vec<Option<Kind>> =
        answers.iter().map(|answer| answer.as_ref().err().map(Error::kind)).collect();
    assert_eq!(kinds, [None, Some(Kind::AccessDenied), Some(Kind::NotFound)]);
    assert_eq!(fake.calls_total(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_will_be_deleted_is_no_absence() {
    let fake = FakeSecretsManager::start();
    fake.seed(&id(), OLD);
    let manager = manager(&fake, &Hands::default()).await;
    let window = secrets::aws::RecoveryWindow::Days(7);
    let gone_at = manager.delete(&spec().name, window).await.unwrap();
    assert!(gone_at.is_some());
    for which in [Selector::Current, Selector::Pending] {
        let found = manager.find(&spec().name, &which).await;
        let kind = found.as_ref().err().map(Error::kind);
        assert!(matches!(kind, Some(Kind::Deleted | Kind::NotFound)), "{found:?}");
    }
    assert!(manager.describe(&spec().name).await.unwrap().deletion_asked.is_some());
    manager.restore(&spec().name).await.unwrap();
    assert!(manager.find(&spec().name, &Selector::Current).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_key_is_refused_and_an_address_of_ones_own_is_for_development() {
    let fake = FakeSecretsManager::start();
    let mut settings = settings(fake.endpoint_url(), Batching::Together);
    for profile in [Profile::Production, Profile::Staging] {
        let connected = SecretsManager::connect(&settings, profile, Hands::default().clock()).await;
        assert_eq!(connected.err().map(|error| error.kind()), Some(Kind::Config));
    }
    if let CredentialSource::Static { access_key_id, .. } = &mut settings.credentials {
        *access_key_id = "AKIDSTRANGER00000001".to_owned();
    }
    let stranger = SecretsManager::connect(&settings, Profile::Development, Hands::default().clock());
    let refused = stranger.await.unwrap().describe(&spec().name).await.unwrap_err();
    assert!(refused.to_string().contains("UnrecognizedClientException"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_asks_nothing() {
    let fake = FakeSecretsManager::start();
    let manager = manager(&fake, &Hands::default()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((fake.calls_total(), fake.heads().len()), (0, 0));
    drop(manager);
}
