//! The steps back.

use std::time::Duration;

use super::{MARGIN, Plan, Rotation, Step};
use crate::announcement::Announcement;
use crate::aws::SecretsManager;
use crate::error::Error;
use crate::spec::SecretSpec;
use crate::version::{Stage, VersionId};

impl Rotation {
    /// Undoes a rotation that is not finished: nobody used its value. Its plan is removed.
    ///
    /// # Errors
    /// [`Error::NotYet`] when it took over already: roll it back; [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`].
    pub async fn abort(self) -> Result<(), Error> {
        let (name, to, from) = (&self.spec.name, self.plan.to(), self.plan.from());
        let current = self.current().await?;
        if current.as_ref() == Some(&to) {
            return Err(self.not_yet("the new value took over: roll it back", Duration::ZERO));
        }
        let is_unchanged = current.as_ref() == Some(&from);
        self.manager.announce(name, |told| forget(told, &to, is_unchanged)).await?;
        self.manager.unlabel(name, &to, Stage::Pending).await?;
        Plan::remove(name, &self.path)
    }

    /// Lets the version before take over again. What the new one signed meanwhile is accepted for the overlap, after
    /// which [`retire`](Rotation::retire) forgets it. A rotation that is not finished is aborted instead by
    /// [`abort`](Rotation::abort).
    ///
    /// # Errors
    /// [`Error::NotYet`] when nothing took over, or when some process may not accept the version before any more;
    /// [`Error::VersionConflict`] when someone else was faster; [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`].
    pub async fn rollback(&mut self) -> Result<(), Error> {
        if self.plan.is_emergency() {
            return Err(self.not_yet("the value before is known to others", Duration::ZERO));
        }
        match self.plan.step {
            Step::Planned | Step::Created | Step::Announced => {
                return Err(self.not_yet("nothing took over: abort it", Duration::ZERO));
            }
            Step::Promoting | Step::Promoted => {
                self.is_accepted_everywhere()?;
                self.plan.turn_around();
            }
            Step::RollingBack => {}
        }
        self.take_over(Step::RollingBack).await?;
        self.manager.unlabel(&self.spec.name, &self.plan.from(), Stage::Pending).await?;
        self.reached(Step::Promoted)
    }

    /// What we verify can go back only within the overlap of this rotation, and not in its last moments: else processes
    /// that have not heard of it would refuse what others accept again.
    fn is_accepted_everywhere(&self) -> Result<(), Error> {
        let Some(until) = self.plan.leaves_at() else { return Ok(()) };
        let is_late = self.now() + self.spec.ttl + MARGIN > until;
        if is_late && self.spec.class.is_verified_by_us() {
            return Err(
                self.not_yet("the value before is not accepted any more: rotate anew", Duration::ZERO)
            );
        }
        Ok(())
    }
}

/// Undoes a rotation of which there is no plan, such as one begun elsewhere: whoever began it cannot finish it.
///
/// # Errors
/// [`Error::Audit`], and as [`SecretsManager::describe`].
pub async fn abort_foreign(manager: &SecretsManager, spec: &SecretSpec) -> Result<(), Error> {
    let Some(pending) = manager.describe(&spec.name).await?.pending() else { return Ok(()) };
    manager.announce(&spec.name, |told| told.pending = None).await?;
    manager.unlabel(&spec.name, &pending, Stage::Pending).await
}

/// Takes back what a rotation to `to` announced, and nothing that another one did.
fn forget(told: &mut Announcement, to: &VersionId, is_unchanged: bool) {
    if told.pending.as_deref() == Some(to.as_str()) {
        told.pending = None;
        if is_unchanged {
            (told.current, told.previous) = (None, None);
        }
    }
}
