//! Undoes a rotation.

use std::time::Duration;

use super::{MARGIN, Plan, Rotation, Step};
use crate::announcement::Announcement;
use crate::aws::SecretsManager;
use crate::error::Error;
use crate::spec::SecretSpec;
use crate::version::Stage;
use crate::version_id::VersionId;

impl Rotation {
    /// Undoes a rotation before the takeover, when no process has used its value. Its plan is removed.
    ///
    /// # Errors
    /// [`Error::NotYet`] after the takeover: use [`rollback`](Rotation::rollback); [`Error::Audit`], [`Error::Plan`],
    /// and as [`SecretsManager::describe`].
    pub async fn abort(self) -> Result<(), Error> {
        let (name, to, from) = (&self.spec.name, self.plan.to(), self.plan.from());
        let current = self.current().await?;
        if current.as_ref() == Some(&to) {
            return Err(self.not_yet("the new value has taken over: roll it back", Duration::ZERO));
        }
        let is_unchanged = current.as_ref() == Some(&from);
        self.manager.announce(name, |announcement| withdraw(announcement, &to, is_unchanged)).await?;
        self.manager.unlabel(name, &to, Stage::Pending).await?;
        Plan::remove(name, &self.path)
    }

    /// Makes the previous version current again. Signatures of the new version are accepted for the overlap; then
    /// [`retire`](Rotation::retire) drops it. Before the takeover, use [`abort`](Rotation::abort).
    ///
    /// # Errors
    /// [`Error::NotYet`] before the takeover, when some process may no longer accept the previous version, or when that one
    /// lacks the new key and older keys are needed; [`Error::VersionConflict`] when another writer was faster; [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`].
    pub async fn rollback(&mut self) -> Result<(), Error> {
        if self.plan.is_emergency() {
            return Err(self.not_yet("the previous value is compromised", Duration::ZERO));
        }
        match self.plan.step {
            Step::Planned | Step::Created | Step::Announced => {
                return Err(self.not_yet("the new value has not taken over: abort it", Duration::ZERO));
            }
            Step::Promoting | Step::Promoted if self.spec.needs_older_keys() => {
                let why = "the previous value lacks the new key, which is needed for what was written with it: retire \
                           it and start a new rotation";
                return Err(self.not_yet(why, Duration::ZERO));
            }
            Step::Promoting | Step::Promoted => {
                self.check_previous_is_accepted()?;
                self.plan.swap_versions();
            }
            Step::RollingBack => {}
        }
        self.take_over(Step::RollingBack).await?;
        self.manager.unlabel(&self.spec.name, &self.plan.from(), Stage::Pending).await?;
        self.save_step(Step::Promoted)
    }

    /// A key that we verify with can be rolled back only during the overlap, and not at its very end: otherwise processes
    /// that have not read the rollback yet would refuse valid signatures.
    fn check_previous_is_accepted(&self) -> Result<(), Error> {
        let Some(until) = self.plan.overlap_ends_at() else { return Ok(()) };
        let is_late = self.now() + self.spec.ttl + MARGIN > until;
        if is_late && self.spec.class.is_verified_by_us() {
            let why = "the previous value is no longer accepted: start a new rotation";
            return Err(self.not_yet(why, Duration::ZERO));
        }
        Ok(())
    }
}

/// Undoes a rotation without its plan, such as one that was started on another machine.
///
/// # Errors
/// [`Error::Audit`], and as [`SecretsManager::describe`].
pub async fn abort_without_plan(manager: &SecretsManager, spec: &SecretSpec) -> Result<(), Error> {
    let Some(pending) = manager.describe(&spec.name).await?.pending() else { return Ok(()) };
    manager.announce(&spec.name, |announcement| announcement.pending = None).await?;
    manager.unlabel(&spec.name, &pending, Stage::Pending).await
}

/// Withdraws the announcements of a rotation to `to`, but not those of another rotation.
fn withdraw(announcement: &mut Announcement, to: &VersionId, is_unchanged: bool) {
    if announcement.pending.as_deref() == Some(to.as_str()) {
        announcement.pending = None;
        if is_unchanged {
            (announcement.current, announcement.previous) = (None, None);
        }
    }
}
