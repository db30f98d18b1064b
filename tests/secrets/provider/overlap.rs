//! Which versions a process accepts during a rotation, also when responses are late, lag behind or fail.

use std::time::Duration;

use secrets::rotation::{Distribution, NewValue, PreviousUse};
use secrets::{ErrorKind, Freshness};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::provider::fixture::{NAME, NEW, OLD, Process, TestClock, begin, id, manager, spec, value};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Left of an overlap when a process starts.
const REMAINING: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn other_versions_are_fetched_only_while_a_rotation_is_announced() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let process = Process::start(&manager, &clock, vec![spec()]).await;
    let singles = async || {
        let before = fake.calls(Operation::GetSecretValue);
        process.secrets.reload().await;
        fake.calls(Operation::GetSecretValue) - before
    };
    assert_eq!(singles().await, 0);
    let mut rotation = begin(&manager, &clock, &directory.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    assert_eq!(singles().await, 1, "the pending version");
    rotation.finish(Distribution::Reported).await.unwrap();
    assert_eq!(singles().await, 1, "the previous version");
    clock.advance(DAY);
    assert_eq!(singles().await, 0, "the overlap is over, retired or not");
    assert!(!process.accepts(OLD));
    rotation.retire(PreviousUse::None).await.unwrap();
    assert_eq!(singles().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_within_the_overlap_accepts_the_previous_value() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let mut rotation = begin(&manager, &clock, &directory.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    // Long enough for a busy machine to start it.
    clock.advance(DAY - REMAINING);
    let late = Process::start(&manager, &clock, vec![spec()]).await;
    assert!(late.accepts(OLD));
    tokio::time::sleep(REMAINING + Duration::from_millis(100)).await;
    assert!(!late.accepts(OLD), "the overlap ended between two reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_versions_stay_accepted_while_they_cannot_be_read() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let process = Process::start(&manager, &clock, vec![spec()]).await;
    let mut rotation = begin(&manager, &clock, &directory.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    process.secrets.reload().await;
    fake.always(Operation::GetSecretValue, Fault::DecryptionFailure);
    process.secrets.reload().await;
    assert!(process.accepts(NEW));
    fake.clear_faults();
    // Only the announcements cannot be read.
    let announcements = format!("{}/rotation-announcements", crate::provider::fixture::PREFIX);
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

/// Nothing removes the announcements but a mistake.
#[tokio::test(flavor = "multi_thread")]
async fn announcements_that_vanish_end_no_overlap() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let process = Process::start(&manager, &clock, vec![spec()]).await;
    let mut rotation = begin(&manager, &clock, &directory.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    process.secrets.reload().await;
    let announcements = format!("{}/rotation-announcements", crate::provider::fixture::PREFIX);
    let before = fake.text(&announcements, "AWSCURRENT").unwrap();
    fake.remove(&announcements);
    process.secrets.reload().await;
    assert!(process.accepts(NEW) && process.accepts(OLD));
    fake.seed(&announcements, &before);
    rotation.abort().await.unwrap();
    process.secrets.reload().await;
    assert!(!process.accepts(NEW) && process.accepts(OLD), "what an operator ends, ends with the next read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_replica_does_not_undo_a_rotation() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let mut rotation = begin(&manager, &clock, &directory.path().join("plan")).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let process = Process::start(&manager, &clock, vec![spec()]).await;
    assert_eq!(process.text().unwrap(), NEW);
    // Only the label moves back, as on a replica that has the announcement but not yet the label.
    let (to, from) = (rotation.status().to, rotation.status().from);
    manager.promote(&spec().name, &from, &to).await.unwrap();
    process.secrets.reload().await;
    assert_eq!(process.text().unwrap(), NEW);
    let health = process.secrets.handle(NAME, "test").unwrap().health();
    assert!(matches!(health.freshness, Freshness::Stale { why: ErrorKind::Unavailable, .. }), "{health:?}");
    manager.promote(&spec().name, &to, &from).await.unwrap();
    process.secrets.reload().await;
    let health = process.secrets.handle(NAME, "test").unwrap().health();
    assert_eq!(health.freshness, Freshness::Fresh);
}
