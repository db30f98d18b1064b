//! Replaces a secret without a failed request: the new value is accepted everywhere before anyone uses it, and the old
//! one is accepted until nobody uses it.
//!
//! | step | what | where it stands |
//! | --- | --- | --- |
//! | [`begin`](Rotation::begin) | choose the new version's id, remember the one in use | `Planned` |
//! | [`create`](Rotation::create) | put the value as `AWSPENDING`, announce it: every process accepts it | `Announced` |
//! | | try it out, if there is somewhere to; wait for the freshness of a value and a margin | |
//! | [`finish`](Rotation::finish) | announce the end of the old one, then let the new one take over, if nobody else did | `Promoted` |
//! | [`retire`](Rotation::retire) | when its overlap is over and nobody uses it, forget the old one | gone |
//!
//! Each step can be repeated: a plan in a file remembers how far it went, and the place itself whether the last change
//! was made. The plan holds ids and times and never a value; the value lies in Secrets Manager alone.
//!
//! [`abort`](Rotation::abort) undoes what was not finished, [`rollback`](Rotation::rollback) what was, and
//! [`begin_emergency`](Rotation::begin_emergency) leaves out every wait because the old value is known to others.

mod emergency;
mod generate;
mod plan;
mod steps;
mod terms;
mod undo;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

pub use emergency::bound as emergency_bound;
pub use generate::{generate, is_ours_to_make};
use plan::Plan;
pub use plan::Step;
pub use terms::{OVERLAP_MAX, Terms};
pub use undo::abort_foreign;

use crate::aws::{Label, SecretsManager, Token};
use crate::builder::Clock;
use crate::error::Error;
use crate::origin::Origin;
use crate::spec::SecretSpec;
use crate::value::SecretValue;
use crate::version::VersionId;

/// What is added to a value's freshness before everyone is taken to have the news: a call that took its longest with
/// all of its attempts, and clocks that differ.
pub const MARGIN: Duration = Duration::from_secs(30);

/// One rotation of one secret.
pub struct Rotation {
    manager: SecretsManager,
    spec: SecretSpec,
    clock: Clock,
    path: PathBuf,
    plan: Plan,
}

/// Where the new value comes from.
#[derive(Clone, Debug)]
pub enum NewValue {
    /// It is made here, as the catalogue declares it.
    Generated,
    /// Somebody else made it, such as a vendor.
    Given(SecretValue),
}

/// How it is known that every process accepts the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Time passed.
    ByTime,
    /// Every process reported the new version as accepted.
    Reported,
}

/// Whether the value before may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousUse {
    /// Nobody proved themselves with it lately.
    None,
    /// Somebody did.
    Seen,
    /// Everything that it encrypts was encrypted anew.
    Reencrypted,
}

/// Where a rotation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The step.
    pub step: Step,
    /// The version that takes over, or took.
    pub to: VersionId,
    /// The version that it replaces.
    pub from: VersionId,
    /// From when on it can be finished by time alone; `None` before it is announced and after it is finished.
    pub finish_from: Option<SystemTime>,
    /// From when on the version before can be retired; `None` before it is finished, or when that is not a matter of
    /// time.
    pub retire_from: Option<SystemTime>,
    /// Whether the old value is known to others.
    pub is_emergency: bool,
}

/// Whether a rotation can write where a secret is found.
///
/// # Errors
/// [`Error::ReadOnly`] for the environment and for files: a new value there is the operator's to place.
pub fn writable(origin: &Origin) -> Result<(), Error> {
    match origin {
        Origin::Aws { .. } => Ok(()),
        Origin::Env { .. }
        | Origin::EnvFile { .. }
        | Origin::SecretFile { .. }
        | Origin::SystemdCredential { .. }
        | Origin::Generated => Err(Error::ReadOnly { origin: origin.clone() }),
    }
}

impl Rotation {
    /// Plans a rotation. Nothing is changed but the file at `path`, which must not exist.
    ///
    /// # Errors
    /// [`Error::RotationInProgress`] when another one is not finished, [`Error::Config`] when the overlap is too short
    /// or too long, [`Error::Plan`] when the file cannot be written, and as [`SecretsManager::describe`].
    pub async fn begin(
        manager: &SecretsManager,
        spec: &SecretSpec,
        clock: Clock,
        path: impl Into<PathBuf>,
        terms: &Terms,
    ) -> Result<Self, Error> {
        terms.check(spec)?;
        let described = manager.describe(&spec.name).await?;
        if let Some(other) = described.pending() {
            let token = other.as_str().to_owned();
            return Err(Error::RotationInProgress { name: spec.name.clone(), token });
        }
        let plan = Plan::new(&spec.name, &Token::random()?, &in_use(manager, spec, &described)?, terms);
        let rotation = Self { manager: manager.clone(), spec: spec.clone(), clock, path: path.into(), plan };
        rotation.plan.save_new(&spec.name, &rotation.path)?;
        Ok(rotation)
    }

    /// A rotation that was begun; `None` when there is no plan at `path`.
    ///
    /// # Errors
    /// [`Error::Plan`] when the file cannot be read, or is of another secret.
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

    /// Where it stands.
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
            retire_from: plan.leaves_at().filter(|_| is_promoted),
            is_emergency: plan.is_emergency(),
        }
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Remembers how far it went.
    fn reached(&mut self, step: Step) -> Result<(), Error> {
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

/// The version in use.
fn in_use(
    manager: &SecretsManager,
    spec: &SecretSpec,
    described: &crate::aws::Description,
) -> Result<VersionId, Error> {
    if described.deletion_asked.is_some() {
        return Err(Error::Deleted { name: spec.name.clone(), origin: manager.origin(&spec.name) });
    }
    let nothing = || Error::NotFound { name: spec.name.clone(), tried: vec![manager.origin(&spec.name)] };
    described.version(&Label::Current).ok_or_else(nothing)
}
