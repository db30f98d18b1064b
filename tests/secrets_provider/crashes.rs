//! A rotation that is killed between any two of its changes: resumed it completes, taken back it is as if it had not
//! been, and at every moment one version is current.
//!
//! The record of a change is kept before it is made and after: a sink that fails at its n-th record ends a rotation just
//! before, or just after, each change in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrets::aws::SecretsManager;
use secrets::rotation::{Distribution, MARGIN, NewValue, PreviousUse, Rotation, Step};
use secrets::{AuditFailed, AuditSink, Error, Kind};
use tests::secrets_manager::FakeSecretsManager;

use crate::stage::{Hands, NEW, OLD, begin, id, manager, spec, value};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// More records than a rotation makes.
const RECORDS_MAX: usize = 100;

/// Keeps so many records and no more.
fn failing_after(records: usize) -> AuditSink {
    let kept = Arc::new(AtomicUsize::new(0));
    Arc::new(move |_| if kept.fetch_add(1, Ordering::SeqCst) < records { Ok(()) } else { Err(AuditFailed) })
}

#[derive(Clone, Copy)]
enum Until {
    Retired,
    RolledBack,
}

/// All steps from wherever the rotation stands.
async fn run(rotation: &mut Rotation, hands: &Hands, until: Until) -> Result<(), Error> {
    rotation.create(&NewValue::Given(value(NEW))).await?;
    hands.advance(spec().ttl + MARGIN);
    if rotation.status().step < Step::Promoted {
        rotation.finish(Distribution::ByTime).await?;
    }
    if matches!(until, Until::RolledBack) {
        return rotation.rollback().await;
    }
    hands.advance(DAY);
    rotation.retire(PreviousUse::None).await
}

struct Killed {
    fake: FakeSecretsManager,
    hands: Hands,
    manager: SecretsManager,
    path: std::path::PathBuf,
    place: tempfile::TempDir,
}

/// A rotation that was killed at its n-th record; `None` when it has fewer.
async fn killed(records: usize, until: Until) -> Option<Killed> {
    let (fake, hands, place) = (FakeSecretsManager::start(), Hands::default(), tempfile::tempdir().unwrap());
    fake.seed(&id(), OLD);
    let manager = manager(&fake, &hands).await;
    let path = place.path().join("plan");
    let mut rotation = begin(&manager.clone().audit(failing_after(records)), &hands, &path).await;
    let outcome = run(&mut rotation, &hands, until).await;
    fake.assert_one_current(&id());
    match outcome {
        Ok(()) => None,
        Err(error) => {
            assert_eq!(error.kind(), Kind::Audit);
            Some(Killed { fake, hands, manager, path, place })
        }
    }
}

impl Killed {
    fn resume(&self) -> Rotation {
        Rotation::resume(&self.manager, &spec(), self.hands.clock(), &self.path).unwrap().unwrap()
    }

    fn assert_settled(&self, current: &str) {
        self.fake.assert_one_current(&id());
        assert_eq!(self.fake.text(&id(), "AWSCURRENT").as_deref(), Some(current));
        assert_eq!(self.fake.text(&id(), "AWSPENDING"), None);
        assert_eq!(std::fs::read_dir(self.place.path()).unwrap().count(), 0, "no plan is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rotation_completes_when_it_is_resumed() {
    let mut kills = 0;
    for records in 0..RECORDS_MAX {
        let Some(killed) = killed(records, Until::Retired).await else { break };
        run(&mut killed.resume(), &killed.hands, Until::Retired).await.unwrap();
        killed.assert_settled(NEW);
        kills += 1;
    }
    // Two records for each of: put; announce (create); announce (put, promote); promote; announce (put, promote);
    // unlabel; unlabel; announce (put, promote).
    assert_eq!(kills, 2 * 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rotation_is_undone_when_it_is_taken_back() {
    let mut undone = [0, 0];
    for records in 0..RECORDS_MAX {
        let Some(killed) = killed(records, Until::Retired).await else { break };
        let mut rotation = killed.resume();
        let took_over = killed.fake.text(&id(), "AWSCURRENT").as_deref() == Some(NEW);
        if rotation.status().step == Step::Promoted && killed.fake.text(&id(), "AWSPREVIOUS").is_none() {
            continue; // It was being forgotten already.
        }
        if took_over && rotation.rollback().await.is_ok() {
            killed.hands.advance(DAY);
            rotation.retire(PreviousUse::None).await.unwrap();
            undone[0] += 1;
        } else if took_over {
            continue; // Its overlap was over.
        } else {
            rotation.abort().await.unwrap();
            undone[1] += 1;
        }
        killed.assert_settled(OLD);
    }
    assert!(undone[0] >= 4 && undone[1] >= 8, "{undone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rollback_completes_when_it_is_resumed() {
    let mut kills = 0;
    for records in 0..RECORDS_MAX {
        let Some(killed) = killed(records, Until::RolledBack).await else { break };
        let mut rotation = killed.resume();
        match rotation.status().step {
            Step::RollingBack => rotation.rollback().await.unwrap(),
            _ => continue, // Killed before it was rolled back: another test's matter.
        }
        killed.hands.advance(DAY);
        rotation.retire(PreviousUse::None).await.unwrap();
        killed.assert_settled(OLD);
        kills += 1;
    }
    assert!(kills >= 8, "{kills}");
}

/// An emergency from wherever it stands: begun, when there is no plan yet.
async fn emergency(manager: &SecretsManager, hands: &Hands, path: &std::path::Path) -> Result<(), Error> {
    let (spec, clock) = (spec(), hands.clock());
    let mut rotation = match Rotation::resume(manager, &spec, hands.clock(), path)? {
        Some(rotation) => rotation,
        None => Rotation::begin_emergency(manager, &spec, clock, path, "a test").await?,
    };
    rotation.create(&NewValue::Generated).await?;
    rotation.finish(Distribution::ByTime).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_emergency_ends_with_the_old_version_refused() {
    let mut kills = 0;
    for records in 0..RECORDS_MAX {
        let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
        let (old, place) = (fake.seed(&id(), OLD), tempfile::tempdir().unwrap());
        let manager = manager(&fake, &hands).await;
        let path = place.path().join("plan");
        let failing = manager.clone().audit(failing_after(records));
        if emergency(&failing, &hands, &path).await.is_ok() {
            break;
        }
        kills += 1;
        emergency(&manager, &hands, &path).await.unwrap();
        fake.assert_one_current(&id());
        assert_ne!(fake.text(&id(), "AWSCURRENT").as_deref(), Some(OLD));
        assert_eq!((fake.text(&id(), "AWSPENDING"), fake.text(&id(), "AWSPREVIOUS")), (None, None));
        assert_eq!(manager.announced(&spec().name).await.unwrap().denied, [old]);
        assert!(!path.exists());
    }
    assert!(kills >= 12, "{kills}");
}
