//! The same provider and rotation against emulators that others wrote: what they share with AWS by their own account,
//! and the one thing that one of them does otherwise where it matters here.

use secrets::aws::{Batching, RecoveryWindow, SecretsManager, Token};
use secrets::rotation::{Distribution, NewValue, PreviousUse, Rotation};
use secrets::{Kind, Profile, Selector};
use tests::emulators::{Ministack, Moto};

use crate::stage::{Hands, NEW, OLD, Process, settings, spec, terms, value};

async fn connect(endpoint: String, hands: &Hands, batching: Batching) -> SecretsManager {
    SecretsManager::connect(&settings(endpoint, batching), Profile::Development, hands.clock()).await.unwrap()
}

async fn conforms(endpoint: String, batching: Batching) {
    let hands = Hands::default();
    let manager = connect(endpoint, &hands, batching).await;
    let (spec, place) = (spec(), tempfile::tempdir().unwrap());
    assert_eq!(manager.describe(&spec.name).await.unwrap_err().kind(), Kind::NotFound);
    manager.set(&spec, &value("first value"), &Token::random().unwrap()).await.unwrap();
    manager.set(&spec, &value(OLD), &Token::random().unwrap()).await.unwrap();
    let process = Process::start(&manager, &hands, vec![spec.clone()]).await;
    assert_eq!(process.text().unwrap(), OLD);

    let path = place.path().join("plan");
    let mut rotation = Rotation::begin(&manager, &spec, hands.clock(), &path, &terms(&spec)).await.unwrap();
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == OLD && process.accepts(NEW));
    rotation.finish(Distribution::Reported).await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == NEW && process.accepts(OLD));
    let previous = manager.find(&spec.name, &Selector::Previous).await.unwrap();
    assert!(previous.raw.verify_eq(OLD.as_bytes()));

    rotation.rollback().await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == OLD && process.accepts(NEW));
    hands.advance(spec.overlap);
    rotation.retire(PreviousUse::None).await.unwrap();
    process.secrets.reload().await;
    assert!(process.text().unwrap() == OLD && !process.accepts(NEW));

    manager.delete(&spec.name, RecoveryWindow::Days(7)).await.unwrap();
    let gone = manager.find(&spec.name, &Selector::Current).await;
    assert!(matches!(gone.as_ref().unwrap_err().kind(), Kind::Deleted | Kind::NotFound), "{gone:?}");
    manager.restore(&spec.name).await.unwrap();
    assert!(manager.find(&spec.name, &Selector::Current).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_conforms_when_it_is_asked_one_by_one() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    conforms(moto.endpoint_url(), Batching::OneByOne).await;
    drop(tokio::task::spawn_blocking(move || drop(moto)).await);
}

/// When this fails moto was mended, and the test above need not ask one by one.
#[tokio::test(flavor = "multi_thread")]
async fn moto_answers_a_batch_with_the_value_before_a_promotion() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let manager = connect(moto.endpoint_url(), &Hands::default(), Batching::Together).await;
    manager.set(&spec(), &value(OLD), &Token::random().unwrap()).await.unwrap();
    manager.set(&spec(), &value(NEW), &Token::random().unwrap()).await.unwrap();
    let found = manager.find(&spec().name, &Selector::Current).await.unwrap();
    assert!(found.raw.verify_eq(OLD.as_bytes()));
    drop(tokio::task::spawn_blocking(move || drop(moto)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ministack_conforms() {
    let ministack = tokio::task::spawn_blocking(Ministack::start).await.unwrap();
    conforms(ministack.endpoint_url(), Batching::Together).await;
    drop(tokio::task::spawn_blocking(move || drop(ministack)).await);
}
