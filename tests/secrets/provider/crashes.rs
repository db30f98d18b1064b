//! A rotation that is interrupted between any two of its changes: resumed, it completes; aborted or rolled back, it leaves no
//! trace; and exactly one version is current at all times.
//!
//! A change is audited before and after: a sink that fails at its n-th record interrupts a rotation just before, or just
//! after, each change in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrets::aws::SecretsManager;
use secrets::rotation::{Distribution, MARGIN, NewValue, PreviousUse, Rotation, Step};
use secrets::{AuditError, AuditSink, Error, ErrorKind};
use tests::secrets_manager::FakeSecretsManager;

use crate::provider::fixture::{NEW, OLD, TestClock, begin, id, manager, spec, value};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// More records than a rotation writes.
const RECORDS_MAX: usize = 100;

/// Accepts so many records and no more.
fn failing_after(records: usize) -> AuditSink {
    let accepted = Arc::new(AtomicUsize::new(0));
    Arc::new(
        move |_| if accepted.fetch_add(1, Ordering::SeqCst) < records { Ok(()) } else { Err(AuditError) },
    )
}

#[derive(Clone, Copy)]
enum Until {
    Retired,
    RolledBack,
}

/// Runs the steps that are left.
async fn run(rotation: &mut Rotation, clock: &TestClock, until: Until) -> Result<(), Error> {
    rotation.create(&NewValue::Given(value(NEW))).await?;
    clock.advance(spec().ttl + MARGIN);
    if rotation.status().step < Step::Promoted {
        rotation.finish(Distribution::ByTime).await?;
    }
    if matches!(until, Until::RolledBack) {
        return rotation.rollback().await;
    }
    clock.advance(DAY);
    rotation.retire(PreviousUse::None).await
}

struct Interrupted {
    fake: FakeSecretsManager,
    clock: TestClock,
    manager: SecretsManager,
    path: std::path::PathBuf,
    directory: tempfile::TempDir,
}

/// A rotation that was interrupted at its n-th record; `None` when it has fewer.
async fn interrupted(records: usize, until: Until) -> Option<Interrupted> {
    let (fake, clock, directory) =
        (FakeSecretsManager::start(), TestClock::default(), tempfile::tempdir().unwrap());
    fake.seed(&id(), OLD);
    let manager = manager(&fake, &clock).await;
    let path = directory.path().join("plan");
    let mut rotation = begin(&manager.clone().audit(failing_after(records)), &clock, &path).await;
    let outcome = run(&mut rotation, &clock, until).await;
    fake.assert_one_current(&id());
    match outcome {
        Ok(()) => None,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Audit);
            Some(Interrupted { fake, clock, manager, path, directory })
        }
    }
}

impl Interrupted {
    fn resume(&self) -> Rotation {
        Rotation::resume(&self.manager, &spec(), self.clock.clock(), &self.path).unwrap().unwrap()
    }

    fn assert_settled(&self, current: &str) {
        self.fake.assert_one_current(&id());
        assert_eq!(self.fake.text(&id(), "AWSCURRENT").as_deref(), Some(current));
        assert_eq!(self.fake.text(&id(), "AWSPENDING"), None);
        assert_eq!(std::fs::read_dir(self.directory.path()).unwrap().count(), 0, "no plan is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rotation_completes_when_resumed() {
    let mut interruptions = 0;
    for records in 0..RECORDS_MAX {
        let Some(interrupted) = interrupted(records, Until::Retired).await else { break };
        run(&mut interrupted.resume(), &interrupted.clock, Until::Retired).await.unwrap();
        interrupted.assert_settled(NEW);
        interruptions += 1;
    }
    // Two records for each of: put; announce (create); announce (put, promote); promote; announce (put, promote);
    // unlabel; unlabel; announce (put, promote).
    assert_eq!(interruptions, 2 * 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rotation_can_be_undone() {
    let mut undone = [0, 0];
    for records in 0..RECORDS_MAX {
        let Some(interrupted) = interrupted(records, Until::Retired).await else { break };
        let mut rotation = interrupted.resume();
        let took_over = interrupted.fake.text(&id(), "AWSCURRENT").as_deref() == Some(NEW);
        if rotation.status().step == Step::Promoted && interrupted.fake.text(&id(), "AWSPREVIOUS").is_none() {
            continue; // It was being retired already.
        }
        if took_over && rotation.rollback().await.is_ok() {
            interrupted.clock.advance(DAY);
            rotation.retire(PreviousUse::None).await.unwrap();
            undone[0] += 1;
        } else if took_over {
            continue; // Its overlap was over.
        } else {
            rotation.abort().await.unwrap();
            undone[1] += 1;
        }
        interrupted.assert_settled(OLD);
    }
    assert!(undone[0] >= 4 && undone[1] >= 8, "{undone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rollback_completes_when_resumed() {
    let mut interruptions = 0;
    for records in 0..RECORDS_MAX {
        let Some(interrupted) = interrupted(records, Until::RolledBack).await else { break };
        let mut rotation = interrupted.resume();
        match rotation.status().step {
            Step::RollingBack => rotation.rollback().await.unwrap(),
            _ => continue, // Interrupted before the rollback: another test's subject.
        }
        interrupted.clock.advance(DAY);
        rotation.retire(PreviousUse::None).await.unwrap();
        interrupted.assert_settled(OLD);
        interruptions += 1;
    }
    assert!(interruptions >= 8, "{interruptions}");
}

/// Resumes an emergency rotation, or begins it when there is no plan yet.
async fn emergency(manager: &SecretsManager, clock: &TestClock, path: &std::path::Path) -> Result<(), Error> {
    let spec = spec();
    let mut rotation = match Rotation::resume(manager, &spec, clock.clock(), path)? {
        Some(rotation) => rotation,
        None => Rotation::begin_emergency(manager, &spec, clock.clock(), path, "a test").await?,
    };
    rotation.create(&NewValue::Generated).await?;
    rotation.finish(Distribution::ByTime).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_emergency_ends_with_the_old_version_revoked() {
    let mut interruptions = 0;
    for records in 0..RECORDS_MAX {
        let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
        let (old, directory) = (fake.seed(&id(), OLD), tempfile::tempdir().unwrap());
        let manager = manager(&fake, &clock).await;
        let path = directory.path().join("plan");
        let failing = manager.clone().audit(failing_after(records));
        if emergency(&failing, &clock, &path).await.is_ok() {
            break;
        }
        interruptions += 1;
        emergency(&manager, &clock, &path).await.unwrap();
        fake.assert_one_current(&id());
        assert_ne!(fake.text(&id(), "AWSCURRENT").as_deref(), Some(OLD));
        assert_eq!((fake.text(&id(), "AWSPENDING"), fake.text(&id(), "AWSPREVIOUS")), (None, None));
        assert_eq!(manager.announcement(&spec().name).await.unwrap().revoked, [old]);
        assert!(!path.exists());
    }
    assert!(interruptions >= 12, "{interruptions}");
}
