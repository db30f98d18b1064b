//! A whole rotation as two processes see it: at every moment each accepts what the other may sign with.

use std::time::Duration;

use secrets::aws::SecretsManager;
use secrets::rotation::{self, Distribution, MARGIN, NewValue, PreviousUse, Rotation, Step, Terms};
use secrets::{Class, Error, Event, Kind, Origin, SecretSpec};
use tests::secrets_manager::FakeSecretsManager;

use crate::stage::{Hands, NEW, OLD, Process, TOKEN_LIFE, begin, id, manager, spec, spec_of, terms, value};

const DAY: Duration = Duration::from_secs(24 * 3_600);

struct House {
    fake: FakeSecretsManager,
    hands: Hands,
    manager: SecretsManager,
    /// Two processes; a test tells each when to look.
    processes: [Process; 2],
    place: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
        fake.seed(&id(), OLD);
        let manager = manager(&fake, &hands).await;
        let start = async || Process::start(&manager, &hands, vec![spec()]).await;
        let (processes, place) = ([start().await, start().await], tempfile::tempdir().unwrap());
        Self { fake, hands, manager, processes, place }
    }

    fn plan(&self) -> std::path::PathBuf {
        self.place.path().join("plan")
    }

    /// One process looks while the other still knows what it knew; then the other looks, too. After each, whatever one
    /// signs with the other accepts.
    async fn look(&self) {
        for process in &self.processes {
            process.secrets.reload().await;
            self.assert_nothing_fails();
        }
    }

    fn assert_nothing_fails(&self) {
        let [one, two] = &self.processes;
        for (signer, verifier) in [(one, two), (two, one)] {
            let signed = signer.text().unwrap();
            assert!(verifier.accepts(&signed), "signed with {signed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_no_moment_of_a_rotation_does_one_process_refuse_what_another_signs() {
    let house = House::new().await;
    let mut rotation = begin(&house.manager, &house.hands, &house.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    house.look().await;
    assert!(house.processes.iter().all(|process| process.accepts(NEW) && process.text().unwrap() == OLD));

    let early = rotation.finish(Distribution::ByTime).await.unwrap_err();
    assert!(matches!(early, Error::NotYet { wait, .. } if wait == spec().ttl + MARGIN), "{early}");
    house.hands.advance(spec().ttl + MARGIN);
    rotation.finish(Distribution::ByTime).await.unwrap();
    house.assert_nothing_fails();
    house.look().await;
    assert!(house.processes.iter().all(|process| process.accepts(OLD) && process.text().unwrap() == NEW));

    let early = rotation.retire(PreviousUse::None).await.unwrap_err();
    assert!(matches!(early, Error::NotYet { wait, .. } if wait == DAY), "{early}");
    house.hands.advance(DAY);
    assert_eq!(rotation.retire(PreviousUse::Seen).await.unwrap_err().kind(), Kind::NotYet);
    rotation.retire(PreviousUse::None).await.unwrap();
    house.look().await;
    assert!(house.processes.iter().all(|process| !process.accepts(OLD) && process.text().unwrap() == NEW));
    assert!(!house.plan().exists());
    house.fake.assert_one_current(&id());
    assert_eq!(house.fake.text(&id(), "AWSPENDING"), None);
    assert_eq!(house.fake.text(&id(), "AWSPREVIOUS"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_wait_for_distribution_a_request_fails() {
    let house = House::new().await;
    let mut rotation = begin(&house.manager, &house.hands, &house.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let [signer, verifier] = &house.processes;
    signer.secrets.reload().await;
    assert!(!verifier.accepts(&signer.text().unwrap()), "it never heard of the new value");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_as_seamless() {
    let house = House::new().await;
    let mut rotation = begin(&house.manager, &house.hands, &house.plan()).await;
    rotation.create(&NewValue::Generated).await.unwrap();
    let new = rotation.new_value().await.unwrap();
    house.look().await;
    house.hands.advance(spec().ttl + MARGIN);
    rotation.finish(Distribution::ByTime).await.unwrap();
    house.look().await;
    rotation.rollback().await.unwrap();
    house.assert_nothing_fails();
    house.look().await;
    let new = new.expose_text().unwrap();
    assert!(house.processes.iter().all(|process| process.text().unwrap() == OLD && process.accepts(new)));
    house.hands.advance(DAY);
    rotation.retire(PreviousUse::None).await.unwrap();
    house.look().await;
    assert!(house.processes.iter().all(|process| process.text().unwrap() == OLD && !process.accepts(new)));
    house.fake.assert_one_current(&id());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_leaves_everything_as_it_was() {
    let house = House::new().await;
    let mut rotation = begin(&house.manager, &house.hands, &house.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    house.look().await;
    rotation.abort().await.unwrap();
    house.look().await;
    assert!(house.processes.iter().all(|process| process.text().unwrap() == OLD && !process.accepts(NEW)));
    assert_eq!(house.fake.text(&id(), "AWSPENDING"), None);
    assert!(!house.plan().exists());
    begin(&house.manager, &house.hands, &house.plan()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_emergency_the_old_value_is_refused_though_a_place_still_offers_it() {
    let house = House::new().await;
    let (spec, clock) = (spec(), house.hands.clock());
    let mut planned = begin(&house.manager, &house.hands, &house.plan()).await;
    planned.create(&NewValue::Given(value(NEW))).await.unwrap();
    house.look().await;
    let path = house.place.path().join("emergency");
    let mut rotation =
        Rotation::begin_emergency(&house.manager, &spec, clock, path, "a key in a public log").await.unwrap();
    rotation.create(&NewValue::Generated).await.unwrap();
    rotation.finish(Distribution::ByTime).await.unwrap();
    for process in &house.processes {
        process.secrets.reload().await;
        assert!(!process.accepts(OLD) && !process.accepts(NEW), "nor what was about to take over");
        assert!(process.text().is_ok());
    }
    // Whoever puts the old version back in its place does not bring it back.
    let versions = house.manager.versions(&spec.name).await.unwrap();
    let current = versions.iter().find(|version| version.labels.contains(&secrets::aws::Label::Current));
    let old = rotation.status().from;
    house.manager.promote(&spec.name, &old, &current.unwrap().id).await.unwrap();
    for process in &house.processes {
        process.secrets.reload().await;
        assert!(!process.accepts(OLD));
    }
    let denied = house.manager.announced(&spec.name).await.unwrap().denied;
    assert_eq!(denied, [old.as_str()]);
    assert!(planned.finish(Distribution::ByTime).await.is_err(), "the planned one is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_the_value_before_is_told() {
    let house = House::new().await;
    let mut rotation = begin(&house.manager, &house.hands, &house.plan()).await;
    rotation.create(&NewValue::Given(value(NEW))).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let process = &house.processes[0];
    process.secrets.reload().await;
    assert!(process.accepts(OLD) && process.accepts(OLD) && process.accepts(NEW));
    process.secrets.tell_usage();
    let used: Vec<u64> = process
        .told()
        .iter()
        .filter_map(|event| if let Event::PreviousUsed { times, .. } = event { Some(*times) } else { None })
        .collect();
    assert_eq!(used, [2]);
    let reads = process.told().into_iter().find_map(|event| match event {
        Event::Read { fresh, by: "test", .. } => Some(fresh),
        _ => None,
    });
    assert_eq!(reads, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_stored_data_is_kept_until_all_is_encrypted_anew() {
    let house = House::new().await;
    let spec = SecretSpec { ..spec_of("encryption_key", Class::EncryptionKey) };
    house.manager.set(&spec, &value(OLD), &secrets::aws::Token::random().unwrap()).await.unwrap();
    let path = house.plan();
    let mut rotation =
        Rotation::begin(&house.manager, &spec, house.hands.clock(), path, &terms(&spec)).await.unwrap();
    rotation.create(&NewValue::Generated).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    house.hands.advance(400 * DAY);
    assert_eq!(rotation.retire(PreviousUse::None).await.unwrap_err().kind(), Kind::NotYet);
    assert_eq!(rotation.status().step, Step::Promoted);
    rotation.retire(PreviousUse::Reencrypted).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rotated_says_so_and_changes_nothing() {
    let house = House::new().await;
    let (manager, clock) = (&house.manager, house.hands.clock());
    let short = Terms { overlap: TOKEN_LIFE, ..terms(&spec()) };
    let refused = Rotation::begin(manager, &spec(), clock.clone(), house.plan(), &short).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(Kind::Config));
    let absent = spec_of("absent_key", Class::SigningKey);
    let refused = Rotation::begin(manager, &absent, clock.clone(), house.plan(), &terms(&absent)).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(Kind::NotFound));
    let variable = Origin::Env { variable: "JWT_SECRET".to_owned() };
    assert_eq!(rotation::writable(&variable).unwrap_err().kind(), Kind::ReadOnly);
    assert!(!house.plan().exists());
    assert_eq!(house.fake.label_states(&id()).len(), 1);
}
