//! Replaces a secret without a failed request: every process accepts the new value before any process uses it, and the
//! previous value is accepted until it is no longer used.
//!
//! | method | effect | step afterwards |
//! | --- | --- | --- |
//! | [`begin`](Rotation::begin) | choose the id of the new version and record the current one | `Planned` |
//! | [`create`](Rotation::create) | store the value as `AWSPENDING` and announce it: every process accepts it | `Announced` |
//! | | test it where it will be used; wait for the freshness of a value and a margin | |
//! | [`finish`](Rotation::finish) | announce the deadline of the previous version, then promote the new one, unless another writer was faster | `Promoted` |
//! | [`retire`](Rotation::retire) | when the overlap is over and the previous version is not used, drop it | the plan is removed |
//!
//! Each step can be repeated: a plan file records the step, and Secrets Manager whether the last change was made. The
//! plan holds ids and times and never a value; the value is stored in Secrets Manager only.
//!
//! [`abort`](Rotation::abort) undoes a rotation before the new version takes over, [`rollback`](Rotation::rollback)
//! after it, and [`begin_emergency`](Rotation::begin_emergency) skips every wait because the old value is compromised.

mod emergency;
mod generate;
mod overlap;
mod plan;
mod steps;
mod undo;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

pub use emergency::bound as emergency_bound;
pub use generate::{can_generate, generate};
pub use overlap::OverlapPolicy;
use plan::Plan;
pub use plan::Step;
pub use undo::abort_without_plan;

use crate::aws::{Description, Label, SecretsManager, Token};
use crate::clock::Clock;
use crate::error::Error;
use crate::key_ring;
use crate::origin::Origin;
use crate::spec::SecretSpec;
use crate::value::SecretValue;
use crate::version_id::VersionId;

/// Added to a value's freshness before every process is assumed to know the announcement: covers the longest read with
/// all of its attempts, and clock differences.
pub const MARGIN: Duration = Duration::from_secs(30);

/// One rotation of one secret.
pub struct Rotation {
    manager: SecretsManager,
    spec: SecretSpec,
    clock: Clock,
    path: PathBuf,
    plan: Plan,
}

/// Origin of the new value.
#[derive(Clone, Debug)]
pub enum NewValue {
    /// The value is generated as the catalogue declares.
    Generated,
    /// The value was issued by another party, such as a vendor.
    Given(SecretValue),
}

/// Evidence that every process accepts the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Enough time has passed.
    ByTime,
    /// Every process reports the new version as accepted.
    Reported,
}

/// Whether the previous value is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousUse {
    /// The value was not used recently.
    None,
    /// The value was used recently.
    Seen,
}

/// The state of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The last step that was completed or started.
    pub step: Step,
    /// The new version.
    pub to: VersionId,
    /// The replaced version.
    pub from: VersionId,
    /// The earliest time to finish without reports of all processes; `None` before the announcement and after the
    /// takeover.
    pub finish_from: Option<SystemTime>,
    /// The earliest time to retire the previous version; `None` before the takeover, or when it is retired by hand.
    pub retire_from: Option<SystemTime>,
    /// Whether the previous value is compromised.
    pub is_emergency: bool,
}

/// Checks that a rotation can write to the source of a secret.
///
/// # Errors
/// [`Error::ReadOnly`] for the environment and for files, which the operator changes.
pub fn check_writable(origin: &Origin) -> Result<(), Error> {
    match origin {
        Origin::Aws { .. } => Ok(()),
        Origin::Env { .. }
        | Origin::EnvFile { .. }
        | Origin::SecretFile { .. }
        | Origin::SystemdCredential { .. } => Err(Error::ReadOnly { origin: origin.clone() }),
    }
}

impl Rotation {
    /// Plans a rotation. Only the plan file at `path` is written, which must not exist.
    ///
    /// # Errors
    /// [`Error::RotationInProgress`], [`Error::Config`] when the overlap is not allowed or older keys would be lost,
    /// [`Error::Plan`] when the file cannot be written, and as [`SecretsManager::describe`].
    pub async fn begin(
        manager: &SecretsManager,
        spec: &SecretSpec,
        clock: Clock,
        path: impl Into<PathBuf>,
        overlap: &OverlapPolicy,
    ) -> Result<Self, Error> {
        overlap.check(spec)?;
        key_ring::check(spec)?;
        let description = manager.describe(&spec.name).await?;
        if let Some(other) = description.pending() {
            let token = other.as_str().to_owned();
            return Err(Error::RotationInProgress { name: spec.name.clone(), token });
        }
        let from = current_version(manager, spec, &description)?;
        let plan = Plan::new(&spec.name, &Token::random()?, &from, overlap);
        let rotation = Self { manager: manager.clone(), spec: spec.clone(), clock, path: path.into(), plan };
        rotation.plan.save_new(&spec.name, &rotation.path)?;
        Ok(rotation)
    }

    /// Loads the rotation that was planned at `path`; `None` when there is no plan.
    ///
    /// # Errors
    /// [`Error::Plan`] when the file cannot be read, or belongs to another secret.
    pub fn resume(
        manager: &SecretsManager,
        spec: &SecretSpec,
        clock: Clock,
        path: impl Into<PathBuf>,
    ) -> Result<Option<Self>, Error> {
        let path = path.into();
        let plan = Plan::load(&spec.name, &path)?;
        let rotation =
            |plan| Self { manager: manager.clone(), spec: spec.clone(), clock, path: path.clone(), plan };
        Ok(plan.map(rotation))
    }

    /// The state of the rotation.
    #[must_use]
    pub fn status(&self) -> Status {
        let plan = &self.plan;
        let wait = self.spec.ttl + MARGIN;
        let is_promoted = plan.step == Step::Promoted;
        Status {
            step: plan.step,
            to: plan.to(),
            from: plan.from(),
            finish_from: plan.announced_at().filter(|_| plan.step == Step::Announced).map(|at| at + wait),
            retire_from: plan.overlap_ends_at().filter(|_| is_promoted),
            is_emergency: plan.is_emergency(),
        }
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    fn save_step(&mut self, step: Step) -> Result<(), Error> {
        self.plan.step = step;
        self.plan.save(&self.spec.name, &self.path)
    }

    async fn current(&self) -> Result<Option<VersionId>, Error> {
        Ok(self.manager.describe(&self.spec.name).await?.version(&Label::Current))
    }

    fn not_yet(&self, why: &'static str, wait: Duration) -> Error {
        Error::NotYet { name: self.spec.name.clone(), why, wait }
    }
}

fn current_version(
    manager: &SecretsManager,
    spec: &SecretSpec,
    description: &Description,
) -> Result<VersionId, Error> {
    if description.deletion_requested.is_some() {
        return Err(Error::Deleted { name: spec.name.clone(), origin: manager.origin(&spec.name) });
    }
    let not_found = || Error::NotFound { name: spec.name.clone(), tried: vec![manager.origin(&spec.name)] };
    description.version(&Label::Current).ok_or_else(not_found)
}
