//! Concurrent changes of one secret.

use secrets::aws::{SecretsManager, Token};
use secrets::rotation::{Distribution, NewValue, abort_without_plan};
use secrets::{Error, ErrorKind, Stage};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::provider::fixture::{NEW, OLD, TestClock, begin, id, manager, spec, value};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_concurrent_promotions_one_gets_a_conflict() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    for _ in 0..20 {
        fake.seed(&id(), OLD);
        let manager = manager(&fake, &clock).await;
        let from =
            manager.describe(&spec().name).await.unwrap().version(&secrets::aws::Label::Current).unwrap();
        let mut versions = Vec::new();
        for text in [NEW, "another value"] {
            let token = Token::random().unwrap();
            versions.push(manager.put(&spec().name, &value(text), &token, Stage::Pending).await.unwrap());
        }
        let promote = async |version| {
            let manager: SecretsManager = manager.clone();
            manager.promote(&spec().name, version, &from).await
        };
        let (one, two) = tokio::join!(promote(&versions[0]), promote(&versions[1]));
        let late: Vec<Error> = [one, two].into_iter().filter_map(Result::err).collect();
        assert!(matches!(late.as_slice(), [Error::VersionConflict { .. }]), "{late:?}");
        fake.assert_one_current(&id());
        let pending = manager.describe(&spec().name).await.unwrap().pending();
        if let Some(pending) = pending {
            manager.unlabel(&spec().name, &pending, Stage::Pending).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_in_progress_blocks_others_and_can_be_aborted() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let mut first = begin(&manager, &clock, &directory.path().join("first")).await;
    let mut second = begin(&manager, &clock, &directory.path().join("second")).await;
    first.create(&NewValue::Given(value(NEW))).await.unwrap();
    let path = directory.path().join("third");
    let terms = crate::provider::fixture::terms(&spec());
    let third = secrets::rotation::Rotation::begin(&manager, &spec(), clock.clock(), path, &terms).await;
    assert!(
        matches!(third.err(), Some(Error::RotationInProgress { token, .. }) if token == first.status().to.as_str())
    );
    assert_eq!(
        manager.set(&spec(), &value("third"), &Token::random().unwrap()).await.unwrap_err().kind(),
        ErrorKind::RotationInProgress
    );
    // The second was begun before the first was visible, and takes over its label.
    second.create(&NewValue::Given(value("second value"))).await.unwrap();
    let late = first.finish(Distribution::Reported).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::RotationInProgress, "{late}");
    second.finish(Distribution::Reported).await.unwrap();
    let late = first.finish(Distribution::Reported).await.unwrap_err();
    assert!(matches!(late.kind(), ErrorKind::RotationInProgress | ErrorKind::VersionConflict), "{late}");
    first.abort().await.unwrap();
    assert_eq!(fake.text(&id(), "AWSCURRENT").as_deref(), Some("second value"));
    fake.assert_one_current(&id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_without_a_plan_is_aborted_by_name() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let path = directory.path().join("plan");
    begin(&manager, &clock, &path).await.create(&NewValue::Given(value(NEW))).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    abort_without_plan(&manager, &spec()).await.unwrap();
    assert_eq!(fake.text(&id(), "AWSPENDING"), None);
    assert_eq!(manager.announcement(&spec().name).await.unwrap().pending, None);
    begin(&manager, &clock, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_whose_response_is_lost_takes_effect_once() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    let manager = manager(&fake, &clock).await;
    fake.next(Operation::CreateSecret, [Fault::LostResponse]);
    let token = Token::random().unwrap();
    manager.set(&spec(), &value(OLD), &token).await.unwrap();
    for operation in [Operation::PutSecretValue, Operation::UpdateSecretVersionStage] {
        fake.next(operation, [Fault::LostResponse]);
    }
    let token = Token::random().unwrap();
    manager.set(&spec(), &value(NEW), &token).await.unwrap();
    assert_eq!(manager.set(&spec(), &value(NEW), &token).await.unwrap(), *token.version());
    assert_eq!(fake.text(&id(), "AWSCURRENT").as_deref(), Some(NEW));
    assert_eq!(fake.text(&id(), "AWSPREVIOUS").as_deref(), Some(OLD));
    fake.assert_one_current(&id());
    assert_eq!(manager.versions(&spec().name).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_announcements_are_all_stored() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    let (manager, directory) = (manager(&fake, &clock).await, tempfile::tempdir().unwrap());
    let mut rotations = Vec::new();
    for number in 0..4 {
        let spec = crate::provider::fixture::spec_of(&format!("key{number}"), secrets::Class::SigningKey);
        fake.seed(&spec.name.aws_id(crate::provider::fixture::PREFIX), OLD);
        let (manager, clock) = (manager.clone(), clock.clock());
        let path = directory.path().join(spec.name.as_str());
        rotations.push(tokio::spawn(async move {
            let terms = crate::provider::fixture::terms(&spec);
            let mut rotation =
                secrets::rotation::Rotation::begin(&manager, &spec, clock, path, &terms).await.unwrap();
            rotation.create(&NewValue::Generated).await.unwrap();
            let announced = manager.announcement(&spec.name).await.unwrap();
            assert_eq!(announced.pending.as_deref(), Some(rotation.status().to.as_str()));
            spec.name
        }));
    }
    for rotation in rotations {
        let name = rotation.await.unwrap();
        assert!(manager.announcement(&name).await.unwrap().pending.is_some(), "{name}");
    }
}
