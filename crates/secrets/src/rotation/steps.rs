//! The forward steps of a rotation.

use std::time::Duration;

use super::{Distribution, NewValue, Plan, PreviousUse, Rotation, Step, generate};
use crate::announcement::{Announcement, PreviousVersion};
use crate::aws::{Selector, Token};
use crate::error::Error;
use crate::name::SecretName;
use crate::value::SecretValue;
use crate::version::Stage;
use crate::version_id::VersionId;

impl Rotation {
    /// Stores the new version and announces it, so that every process accepts it. No process uses it yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a malformed value, [`Error::Config`] when the value cannot be generated,
    /// [`Error::Audit`], [`Error::Plan`], and as [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn create(&mut self, value: &NewValue) -> Result<(), Error> {
        if self.plan.step == Step::Planned {
            self.plan.is_generated = Some(matches!(value, NewValue::Generated));
            self.save_step(Step::Planned)?;
            self.put(value).await?;
            self.save_step(Step::Created)?;
        }
        if self.plan.step == Step::Created {
            let (to, from) = (self.plan.to(), self.plan.from());
            let announce = |announcement: &mut Announcement| {
                announcement.pending = Some(to.as_str().to_owned());
                announcement.current = Some(from.as_str().to_owned());
            };
            self.manager.announce(&self.spec.name, announce).await?;
            self.plan.set_announced_at(self.now());
            self.save_step(Step::Announced)?;
        }
        Ok(())
    }

    /// Whether a supplied value was lost in a crash before it was stored. If so, [`abort`](Rotation::abort) and start again,
    /// so that no other value replaces it unnoticed.
    ///
    /// # Errors
    /// As [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn is_value_lost(&self) -> Result<bool, Error> {
        if self.plan.step != Step::Planned || self.plan.is_generated == Some(true) {
            return Ok(false);
        }
        Ok(!self.manager.describe(&self.spec.name).await?.has(&self.plan.to()))
    }

    /// The new value, to test it where it will be used.
    ///
    /// # Errors
    /// As [`SecretsManager::find`](crate::aws::SecretsManager::find).
    pub async fn new_value(&self) -> Result<SecretValue, Error> {
        let selector = Selector::Id(self.plan.to());
        self.manager.find(&self.spec.name, &selector).await.map(|raw| raw.value)
    }

    /// Makes the new version current, if the version that it replaces still is.
    ///
    /// # Errors
    /// [`Error::NotYet`] while a process may not know it yet, [`Error::VersionConflict`] when another writer was
    /// faster, [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn finish(&mut self, distribution: Distribution) -> Result<(), Error> {
        match self.plan.step {
            Step::Planned | Step::Created => {
                return Err(self.not_yet("the new value is not announced: create it first", Duration::ZERO));
            }
            Step::Announced => {
                self.check_distribution(distribution)?;
                self.check_announcement().await?;
            }
            Step::Promoting | Step::RollingBack => {}
            Step::Promoted => return self.end_emergency().await,
        }
        if self.plan.step == Step::RollingBack {
            return self.rollback().await;
        }
        self.take_over(Step::Promoting).await?;
        self.manager.unlabel(&self.spec.name, &self.plan.to(), Stage::Pending).await?;
        self.save_step(Step::Promoted)?;
        self.end_emergency().await
    }

    /// An emergency rotation has no overlap to wait for.
    async fn end_emergency(&mut self) -> Result<(), Error> {
        if self.plan.is_emergency() { self.clean_up().await } else { Ok(()) }
    }

    /// Drops the previous version after its overlap. The rotation is complete, and its plan is removed.
    ///
    /// # Errors
    /// [`Error::NotYet`] during the overlap or while the previous value is used; [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn retire(&mut self, previous: PreviousUse) -> Result<(), Error> {
        if self.plan.step != Step::Promoted {
            return Err(self.not_yet("the new value has not taken over: finish first", Duration::ZERO));
        }
        if previous == PreviousUse::Seen {
            return Err(self.not_yet("the previous value is still used", self.spec.ttl));
        }
        let remaining = self.plan.overlap_ends_at().and_then(|until| until.duration_since(self.now()).ok());
        if let Some(remaining) = remaining.filter(|remaining| !remaining.is_zero()) {
            return Err(self.not_yet("the previous value is still accepted", remaining));
        }
        self.clean_up().await
    }

    /// Stores the new version, unless it was stored before a crash.
    async fn put(&self, value: &NewValue) -> Result<(), Error> {
        let description = self.manager.describe(&self.spec.name).await?;
        if description.has(&self.plan.to()) {
            return Ok(());
        }
        let value = match value {
            NewValue::Generated => generate(&self.spec)?,
            NewValue::Given(value) => self.manager.clean(&self.spec, value)?,
        };
        let value = self.manager.keep_older_keys(&self.spec, value, &self.plan.from()).await?;
        let token = Token::from_version(&self.plan.to());
        match self.manager.put(&self.spec.name, &value, &token, Stage::Pending).await {
            // The version exists with another value: the one of an earlier attempt whose response was lost.
            Ok(_) | Err(Error::Exists { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn check_distribution(&self, distribution: Distribution) -> Result<(), Error> {
        if self.plan.is_emergency() || distribution == Distribution::Reported {
            return Ok(());
        }
        let from = self.status().finish_from;
        match from.and_then(|from| from.duration_since(self.now()).ok()).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(self.not_yet("some processes may not accept the new value yet", wait)),
            None => Ok(()),
        }
    }

    /// Another writer may have replaced the announcement of this rotation.
    async fn check_announcement(&self) -> Result<(), Error> {
        let pending = self.manager.announcement(&self.spec.name).await?.pending;
        if pending.as_deref() == Some(self.plan.to().as_str()) {
            return Ok(());
        }
        let token = pending.unwrap_or_else(|| "none".to_owned());
        Err(Error::RotationInProgress { name: self.spec.name.clone(), token })
    }

    /// Moves the label of the current version between two announcements: the first gives the deadline of the previous
    /// version, the second makes a read that still returns it stale.
    pub(super) async fn take_over(&mut self, step: Step) -> Result<(), Error> {
        let (name, to, from) = (self.spec.name.clone(), self.plan.to(), self.plan.from());
        match self.current().await? {
            Some(current) if current == from => self.plan.set_promoted_at(self.now()),
            Some(current) if current == to => {}
            other => return Err(conflict(&name, &from, other)),
        }
        self.save_step(step)?;
        // Announced even without an overlap, so that a stale read is recognised.
        let previous = Some(PreviousVersion::new(&from, self.plan.overlap_ends_at()));
        let before = |announcement: &mut Announcement| {
            announcement.pending = Some(to.as_str().to_owned());
            announcement.current = None;
            announcement.previous.clone_from(&previous);
        };
        self.manager.announce(&name, before).await?;
        self.manager.promote(&name, &to, &from).await?;
        let is_emergency = self.plan.is_emergency();
        let after = |announcement: &mut Announcement| {
            announcement.pending = None;
            announcement.current = Some(to.as_str().to_owned());
            announcement.previous.clone_from(&previous);
            if is_emergency {
                announcement.revoke(&from);
            }
        };
        self.manager.announce(&name, after).await
    }

    /// Removes the announcement, except what an emergency needs.
    pub(super) async fn clean_up(&mut self) -> Result<(), Error> {
        let (name, from) = (self.spec.name.clone(), self.plan.from());
        self.manager.unlabel(&name, &from, Stage::Previous).await?;
        let is_emergency = self.plan.is_emergency();
        let end = |announcement: &mut Announcement| {
            // After an emergency, stale reads must still be recognised.
            if !is_emergency {
                (announcement.pending, announcement.current, announcement.previous) = (None, None, None);
            }
        };
        self.manager.announce(&name, end).await?;
        Plan::remove(&name, &self.path)
    }
}

fn conflict(name: &SecretName, expected: &VersionId, actual: Option<VersionId>) -> Error {
    let actual = actual.map_or_else(|| "none".to_owned(), |actual| actual.as_str().to_owned());
    Error::VersionConflict { name: name.clone(), expected: expected.as_str().to_owned(), actual }
}
