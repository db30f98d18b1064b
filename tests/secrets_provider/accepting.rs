//! Answers that come late, come from a place that lags, or do not come while a rotation is under way.

use std::time::Duration;

use secrets::rotation::{Distribution, NewValue, PreviousUse};
use secrets::{Freshness, Kind};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::stage::{Hands, NAME, NEW, OLD, Process, begin, id, manager, spec, value};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// What is left of an overlap when a process starts.
const LAST: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn other_versions_are_asked_for_only_while_a_rotation_is_announced() {
    let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
    fake.seed(&id(), OLD);
    let (manager, place) = (manager(&fake, &hands).await, tempfile::tempdir().unwrap());
    let process = Process::start(&manager, &hands, vec![spec()]).await;
    let singles = async || {
        let before = fake.calls(Operation::GetSecretValue);
        process.secrets.reload().await;
        fake.calls(Operation::GetSecretValue) - before
    };
    assert_eq!(singles().await, 0);
    let mut rotation = begin(&manager, &hands, &place.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    assert_eq!(singles().await, 1, "the one about to take over");
    rotation.finish(Distribution::Reported).await.unwrap();
    assert_eq!(singles().await, 1, "the one before");
    hands.advance(DAY);
    assert_eq!(singles().await, 0, "its time is over, retired or not");
    assert!(!process.accepts(OLD));
    rotation.retire(PreviousUse::None).await.unwrap();
    assert_eq!(singles().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_within_the_overlap_accepts_the_value_before() {
    let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
    fake.seed(&id(), OLD);
    let (manager, place) = (manager(&fake, &hands).await, tempfile::tempdir().unwrap());
    let mut rotation = begin(&manager, &hands, &place.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    // Enough that a busy machine starts it in time.
    hands.advance(DAY - LAST);
    let late = Process::start(&manager, &hands, vec![spec()]).await;
    assert!(late.accepts(OLD));
    tokio::time::sleep(LAST + Duration::from_millis(100)).await;
    assert!(!late.accepts(OLD), "its last seconds passed while nobody looked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_stays_so_while_it_cannot_be_read_again() {
    let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
    fake.seed(&id(), OLD);
    let (manager, place) = (manager(&fake, &hands).await, tempfile::tempdir().unwrap());
    let process = Process::start(&manager, &hands, vec![spec()]).await;
    let mut rotation = begin(&manager, &hands, &place.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    process.secrets.reload().await;
    fake.always(Operation::GetSecretValue, Fault::DecryptionFailure);
    process.secrets.reload().await;
    assert!(process.accepts(NEW));
    fake.behave();
    // The announcements alone cannot be read: they are denied by name.
    let announcements = format!("{}/rotation-announcements", crate::stage::PREFIX);
    fake.deny(&announcements);
    process.secrets.reload().await;
    assert!(process.accepts(NEW) && process.accepts(OLD));
    fake.allow(&announcements);
    rotation.finish(Distribution::Reported).await.unwrap();
    fake.deny(&announcements);
    process.secrets.reload().await;
    assert_eq!(process.text().unwrap(), NEW);
    assert!(process.accepts(OLD), "for the overlap of its class");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_lags_does_not_undo_a_rotation() {
    let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
    fake.seed(&id(), OLD);
    let (manager, place) = (manager(&fake, &hands).await, tempfile::tempdir().unwrap());
    let mut rotation = begin(&manager, &hands, &place.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let process = Process::start(&manager, &hands, vec![spec()]).await;
    assert_eq!(process.text().unwrap(), NEW);
    // The secret alone goes back, as on a replica that has the announcement and not yet the label.
    let (to, from) = (rotation.status().to, rotation.status().from);
    manager.promote(&spec().name, &from, &to).await.unwrap();
    process.secrets.reload().await;
    assert_eq!(process.text().unwrap(), NEW);
    let health = process.secrets.handle(NAME, "test").unwrap().health();
    assert!(matches!(health.freshness, Freshness::Stale { why: Kind::Unavailable, .. }), "{health:?}");
    manager.promote(&spec().name, &to, &from).await.unwrap();
    process.secrets.reload().await;
    let health = process.secrets.handle(NAME, "test").unwrap().health();
    assert_eq!(health.freshness, Freshness::Fresh);
}
