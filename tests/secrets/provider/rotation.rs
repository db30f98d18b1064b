//! A whole rotation with two processes: at all times each accepts what the other may sign with.

use std::time::Duration;

use secrets::aws::SecretsManager;
use secrets::rotation::{self, Distribution, MARGIN, NewValue, OverlapPolicy, PreviousUse, Rotation};
use secrets::{Class, Error, ErrorKind, Event, Format, Origin, SecretSpec};
use tests::secrets_manager::FakeSecretsManager;

use crate::provider::fixture::{
    NAME, NEW, OLD, Process, TOKEN_LIFE, TestClock, begin, id, manager, spec, spec_of, terms, value,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

struct Fixture {
    fake: FakeSecretsManager,
    clock: TestClock,
    manager: SecretsManager,
    /// Each reloads when the test says so.
    processes: [Process; 2],
    directory: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
        fake.seed(&id(), OLD);
        let manager = manager(&fake, &clock).await;
        let start = async || Process::start(&manager, &clock, vec![spec()]).await;
        let (processes, directory) = ([start().await, start().await], tempfile::tempdir().unwrap());
        Self { fake, clock, manager, processes, directory }
    }

    fn plan(&self) -> std::path::PathBuf {
        self.directory.path().join("plan")
    }

    /// Reloads one process after the other; after each, either accepts what the other signs with.
    async fn reload_in_turn(&self) {
        for process in &self.processes {
            process.secrets.reload().await;
            self.assert_mutual_acceptance();
        }
    }

    fn assert_mutual_acceptance(&self) {
        let [one, two] = &self.processes;
        for (signer, verifier) in [(one, two), (two, one)] {
            let signed = signer.text().unwrap();
            assert!(verifier.accepts(&signed), "signed with {signed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_accept_each_others_signatures_throughout_a_rotation() {
    let fixture = Fixture::new().await;
    let mut rotation = begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    fixture.reload_in_turn().await;
    assert!(fixture.processes.iter().all(|process| process.accepts(NEW) && process.text().unwrap() == OLD));

    let early = rotation.finish(Distribution::ByTime).await.unwrap_err();
    assert!(matches!(early, Error::NotYet { wait, .. } if wait == spec().ttl + MARGIN), "{early}");
    fixture.clock.advance(spec().ttl + MARGIN);
    rotation.finish(Distribution::ByTime).await.unwrap();
    fixture.assert_mutual_acceptance();
    fixture.reload_in_turn().await;
    assert!(fixture.processes.iter().all(|process| process.accepts(OLD) && process.text().unwrap() == NEW));

    let early = rotation.retire(PreviousUse::None).await.unwrap_err();
    assert!(matches!(early, Error::NotYet { wait, .. } if wait == DAY), "{early}");
    fixture.clock.advance(DAY);
    assert_eq!(rotation.retire(PreviousUse::Seen).await.unwrap_err().kind(), ErrorKind::NotYet);
    rotation.retire(PreviousUse::None).await.unwrap();
    fixture.reload_in_turn().await;
    assert!(fixture.processes.iter().all(|process| !process.accepts(OLD) && process.text().unwrap() == NEW));
    assert!(!fixture.plan().exists());
    fixture.fake.assert_one_current(&id());
    assert_eq!(fixture.fake.text(&id(), "AWSPENDING"), None);
    assert_eq!(fixture.fake.text(&id(), "AWSPREVIOUS"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_wait_for_distribution_a_signature_is_rejected() {
    let fixture = Fixture::new().await;
    let mut rotation = begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let [signer, verifier] = &fixture.processes;
    signer.secrets.reload().await;
    assert!(!verifier.accepts(&signer.text().unwrap()), "it does not have the new value");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_accept_each_others_signatures_throughout_a_rollback() {
    let fixture = Fixture::new().await;
    let mut rotation = begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
    rotation.create(&NewValue::Generated).await.unwrap();
    let new = rotation.new_value().await.unwrap();
    fixture.reload_in_turn().await;
    fixture.clock.advance(spec().ttl + MARGIN);
    rotation.finish(Distribution::ByTime).await.unwrap();
    fixture.reload_in_turn().await;
    rotation.rollback().await.unwrap();
    fixture.assert_mutual_acceptance();
    fixture.reload_in_turn().await;
    let new = new.expose_text().unwrap();
    assert!(fixture.processes.iter().all(|process| process.text().unwrap() == OLD && process.accepts(new)));
    fixture.clock.advance(DAY);
    rotation.retire(PreviousUse::None).await.unwrap();
    fixture.reload_in_turn().await;
    assert!(fixture.processes.iter().all(|process| process.text().unwrap() == OLD && !process.accepts(new)));
    fixture.fake.assert_one_current(&id());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_restores_the_previous_state() {
    let fixture = Fixture::new().await;
    let mut rotation = begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    fixture.reload_in_turn().await;
    rotation.abort().await.unwrap();
    fixture.reload_in_turn().await;
    assert!(fixture.processes.iter().all(|process| process.text().unwrap() == OLD && !process.accepts(NEW)));
    assert_eq!(fixture.fake.text(&id(), "AWSPENDING"), None);
    assert!(!fixture.plan().exists());
    begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_emergency_the_old_value_is_rejected_even_when_promoted_again() {
    let fixture = Fixture::new().await;
    let (spec, clock) = (spec(), fixture.clock.clock());
    let mut planned = begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
    planned.create(&NewValue::Given(value(NEW))).await.unwrap();
    fixture.reload_in_turn().await;
    let path = fixture.directory.path().join("emergency");
    let mut rotation =
        Rotation::begin_emergency(&fixture.manager, &spec, clock, path, "a key in a public log")
            .await
            .unwrap();
    rotation.create(&NewValue::Generated).await.unwrap();
    rotation.finish(Distribution::ByTime).await.unwrap();
    for process in &fixture.processes {
        process.secrets.reload().await;
        assert!(!process.accepts(OLD) && !process.accepts(NEW), "nor the pending value");
        assert!(process.text().is_ok());
    }
    // Promoting the old version again does not make it accepted.
    let versions = fixture.manager.versions(&spec.name).await.unwrap();
    let current = versions.iter().find(|version| version.labels.contains(&secrets::aws::Label::Current));
    let old = rotation.status().from;
    fixture.manager.promote(&spec.name, &old, &current.unwrap().id).await.unwrap();
    for process in &fixture.processes {
        process.secrets.reload().await;
        assert!(!process.accepts(OLD));
    }
    let revoked = fixture.manager.announcement(&spec.name).await.unwrap().revoked;
    assert_eq!(revoked, [old.as_str()]);
    assert!(planned.finish(Distribution::ByTime).await.is_err(), "the planned rotation is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_of_the_previous_value_are_reported() {
    let fixture = Fixture::new().await;
    let mut rotation = begin(&fixture.manager, &fixture.clock, &fixture.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let process = &fixture.processes[0];
    process.secrets.reload().await;
    assert!(process.accepts(OLD) && process.accepts(OLD) && process.accepts(NEW));
    process.secrets.report_usage();
    let used: Vec<u64> = process
        .events()
        .iter()
        .filter_map(|event| if let Event::PreviousUsed { count, .. } = event { Some(*count) } else { None })
        .collect();
    assert_eq!(used, [2]);
    let reads = process.events().into_iter().find_map(|event| match event {
        Event::Reads { fresh, component: "test", .. } => Some(fresh),
        _ => None,
    });
    assert_eq!(reads, Some(3));
}

/// A secret with a key on each line, such as an audit or an encryption key.
fn key_ring() -> SecretSpec {
    let format = Format::Base64Lines { bytes_min: 32 };
    SecretSpec::new(NAME.parse().unwrap(), Class::EncryptionKey, format, "a test")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rotation_emergency_or_new_value_loses_an_older_key() {
    let fixture = Fixture::new().await;
    let (manager, spec, clock) = (&fixture.manager, key_ring(), fixture.clock.clock());
    let keys = || -> Vec<String> {
        fixture.fake.text(&id(), "AWSCURRENT").unwrap().lines().map(str::to_owned).collect()
    };
    for rotations in 1..=3 {
        let mut rotation =
            Rotation::begin(manager, &spec, clock.clone(), fixture.plan(), &terms(&spec)).await.unwrap();
        rotation.create(&NewValue::Generated).await.unwrap();
        let before = keys();
        rotation.finish(Distribution::Reported).await.unwrap();
        assert_eq!((keys().len(), &keys()[1..]), (rotations + 1, &before[..]), "newest first");
        let rollback = rotation.rollback().await.unwrap_err();
        assert!(rollback.to_string().contains("lacks the new key"), "{rollback}");
        rotation.retire(PreviousUse::None).await.unwrap();
    }
    let before = keys();
    manager.set(&spec, &value(NEW), &secrets::aws::Token::random().unwrap()).await.unwrap();
    assert_eq!((keys()[0].as_str(), &keys()[1..]), (NEW, &before[..]));
    let before = keys();
    let mut emergency =
        Rotation::begin_emergency(manager, &spec, clock, fixture.plan(), "leaked").await.unwrap();
    emergency.create(&NewValue::Generated).await.unwrap();
    emergency.finish(Distribution::ByTime).await.unwrap();
    assert_eq!(keys()[1..], before, "entries that were written with a leaked key can still be verified");
    assert_eq!(keys().last().map(String::as_str), Some(OLD));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_format_has_no_room_for_older_ones_is_not_rotated() {
    let fixture = Fixture::new().await;
    let (manager, clock) = (&fixture.manager, fixture.clock.clock());
    let spec = SecretSpec { format: Format::Base64 { bytes_min: 32 }, ..key_ring() };
    let refused = "needs its older keys, and its format has room for one";
    let begun = Rotation::begin(manager, &spec, clock.clone(), fixture.plan(), &terms(&spec)).await;
    assert!(begun.err().unwrap().to_string().contains(refused));
    let begun = Rotation::begin_emergency(manager, &spec, clock, fixture.plan(), "leaked").await;
    assert!(begun.err().unwrap().to_string().contains(refused));
    let set = manager.set(&spec, &value(NEW), &secrets::aws::Token::random().unwrap()).await;
    assert!(set.unwrap_err().to_string().contains(refused));
    assert_eq!(fixture.fake.text(&id(), "AWSCURRENT").as_deref(), Some(OLD));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_cannot_begin_changes_nothing() {
    let fixture = Fixture::new().await;
    let (manager, clock) = (&fixture.manager, fixture.clock.clock());
    let short = OverlapPolicy { overlap: TOKEN_LIFE, ..terms(&spec()) };
    let result = Rotation::begin(manager, &spec(), clock.clone(), fixture.plan(), &short).await;
    assert_eq!(result.err().map(|error| error.kind()), Some(ErrorKind::Config));
    let absent = spec_of("absent_key", Class::SigningKey);
    let result = Rotation::begin(manager, &absent, clock.clone(), fixture.plan(), &terms(&absent)).await;
    assert_eq!(result.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    let variable = Origin::Env { variable: "JWT_SECRET".to_owned() };
    assert_eq!(rotation::check_writable(&variable).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(!fixture.plan().exists());
    assert_eq!(fixture.fake.label_states(&id()).len(), 1);
}
