//! The provider and the rotation against third-party emulators, and the one deviation that matters here.

use secrets::aws::{Batching, RecoveryWindow, SecretsManager, Selector, Token};
use secrets::rotation::{Distribution, NewValue, PreviousUse, Rotation};
use secrets::{ErrorKind, Profile, Stage};
use tests::emulators::{Ministack, Moto};

use crate::provider::fixture::{NEW, OLD, Process, TestClock, settings, spec, terms, value};

async fn connect(endpoint: String, clock: &TestClock, batching: Batching) -> SecretsManager {
    SecretsManager::connect(&settings(endpoint, batching), Profile::Development, clock.clock()).await.unwrap()
}

async fn conforms(endpoint: String, batching: Batching) {
    let clock = TestClock::default();
    let manager = connect(endpoint, &clock, batching).await;
    let (spec, directory) = (spec(), tempfile::tempdir().unwrap());
    assert_eq!(manager.describe(&spec.name).await.unwrap_err().kind(), ErrorKind::NotFound);
    manager.set(&spec, &value("first value"), &Token::random().unwrap()).await.unwrap();
    manager.set(&spec, &value(OLD), &Token::random().unwrap()).await.unwrap();
    let process = Process::start(&manager, &clock, vec![spec.clone()]).await;
    assert_eq!(process.text().unwrap(), OLD);

    let path = directory.path().join("plan");
    let mut rotation = Rotation::begin(&manager, &spec, clock.clock(), &path, &terms(&spec)).await.unwrap();
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == OLD && process.accepts(NEW));
    rotation.finish(Distribution::Reported).await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == NEW && process.accepts(OLD));
    let previous = manager.find(&spec.name, &Selector::Stage(Stage::Previous)).await.unwrap();
    assert!(previous.value.verify_eq(OLD.as_bytes()));

    rotation.rollback().await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == OLD && process.accepts(NEW));
    clock.advance(spec.overlap);
    rotation.retire(PreviousUse::None).await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == OLD && !process.accepts(NEW));

    manager.delete(&spec.name, RecoveryWindow::Days(7)).await.unwrap();
    let deleted = manager.find(&spec.name, &Selector::CURRENT).await;
    assert!(
        matches!(deleted.as_ref().unwrap_err().kind(), ErrorKind::Deleted | ErrorKind::NotFound),
        "{deleted:?}"
    );
    manager.restore(&spec.name).await.unwrap();
    assert!(manager.find(&spec.name, &Selector::CURRENT).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_conforms_without_batches() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    conforms(moto.endpoint_url(), Batching::OneByOne).await;
    drop(tokio::task::spawn_blocking(move || drop(moto)).await);
}

/// When this fails, moto is fixed and the test above can use batches.
#[tokio::test(flavor = "multi_thread")]
async fn moto_batches_return_the_value_before_a_promotion() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let manager = connect(moto.endpoint_url(), &TestClock::default(), Batching::Together).await;
    manager.set(&spec(), &value(OLD), &Token::random().unwrap()).await.unwrap();
    manager.set(&spec(), &value(NEW), &Token::random().unwrap()).await.unwrap();
    let found = manager.find(&spec().name, &Selector::CURRENT).await.unwrap();
    assert!(found.value.verify_eq(OLD.as_bytes()));
    drop(tokio::task::spawn_blocking(move || drop(moto)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ministack_conforms() {
    let ministack = tokio::task::spawn_blocking(Ministack::start).await.unwrap();
    conforms(ministack.endpoint_url(), Batching::Together).await;
    drop(tokio::task::spawn_blocking(move || drop(ministack)).await);
}
