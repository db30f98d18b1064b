//! The steps forward.

use std::time::Duration;

use super::{Distribution, NewValue, Plan, PreviousUse, Rotation, Step, generate};
use crate::announcement::{Announcement, Leaving};
use crate::aws::Token;
use crate::error::Error;
use crate::name::SecretName;
use crate::provider::Selector;
use crate::value::SecretValue;
use crate::version::{Stage, VersionId};

impl Rotation {
    /// Creates the new version and tells every process to accept it. Nobody uses it yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a malformed value, [`Error::Config`] when there is none to be made here,
    /// [`Error::Audit`], [`Error::Plan`], and as [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn create(&mut self, value: &NewValue) -> Result<(), Error> {
        if self.plan.step == Step::Planned {
            self.plan.is_made_here = Some(matches!(value, NewValue::Generated));
            self.reached(Step::Planned)?;
            self.put(value).await?;
            self.reached(Step::Created)?;
        }
        if self.plan.step == Step::Created {
            let (to, from) = (self.plan.to(), self.plan.from());
            let announce = |told: &mut Announcement| {
                told.pending = Some(to.as_str().to_owned());
                told.current = Some(from.as_str().to_owned());
            };
            self.manager.announce(&self.spec.name, announce).await?;
            self.plan.announce_at(self.now());
            self.reached(Step::Announced)?;
        }
        Ok(())
    }

    /// Whether the new value, which was given and not made here, was lost in a crash before it was stored. Then another
    /// one must not take its place unseen: [`abort`](Rotation::abort), and begin anew.
    ///
    /// # Errors
    /// As [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn lost_its_value(&self) -> Result<bool, Error> {
        if self.plan.step != Step::Planned || self.plan.is_made_here == Some(true) {
            return Ok(false);
        }
        Ok(!self.manager.describe(&self.spec.name).await?.has(&self.plan.to()))
    }

    /// The new value, to try it out where it will be used before it is.
    ///
    /// # Errors
    /// As [`SecretsManager::find`](crate::aws::SecretsManager::find).
    pub async fn new_value(&self) -> Result<SecretValue, Error> {
        let which = Selector::Version(self.plan.to());
        self.manager.find(&self.spec.name, &which).await.map(|found| found.raw)
    }

    /// Lets the new version take over, if the one that was in use at the beginning still is.
    ///
    /// # Errors
    /// [`Error::NotYet`] while a process may not have heard of it, [`Error::VersionConflict`] when someone else was
    /// faster, [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn finish(&mut self, distribution: Distribution) -> Result<(), Error> {
        match self.plan.step {
            Step::Planned | Step::Created => {
                return Err(self.not_yet("the new value is not announced: create it first", Duration::ZERO));
            }
            Step::Announced => {
                self.await_distribution(distribution)?;
                self.is_still_announced().await?;
            }
            Step::Promoting | Step::RollingBack => {}
            Step::Promoted => return self.end_emergency().await,
        }
        if self.plan.step == Step::RollingBack {
            return self.rollback().await;
        }
        self.take_over(Step::Promoting).await?;
        self.manager.unlabel(&self.spec.name, &self.plan.to(), Stage::Pending).await?;
        self.reached(Step::Promoted)?;
        self.end_emergency().await
    }

    /// There is no overlap to wait for.
    async fn end_emergency(&mut self) -> Result<(), Error> {
        if self.plan.is_emergency() { self.clear_up().await } else { Ok(()) }
    }

    /// Forgets the version before, after its overlap. The rotation is over, and its plan is removed.
    ///
    /// # Errors
    /// [`Error::NotYet`] before the overlap is over, while the value before is used, or for the key of stored data until
    /// everything was encrypted anew; [`Error::Audit`], [`Error::Plan`], and as
    /// [`SecretsManager::describe`](crate::aws::SecretsManager::describe).
    pub async fn retire(&mut self, previous: PreviousUse) -> Result<(), Error> {
        if self.plan.step != Step::Promoted {
            return Err(self.not_yet("the new value has not taken over: finish first", Duration::ZERO));
        }
        if self.plan.leaves_by_hand() && previous != PreviousUse::Reencrypted {
            let why = "what it encrypts cannot be read without it: encrypt that anew and confirm";
            return Err(self.not_yet(why, Duration::ZERO));
        }
        if previous == PreviousUse::Seen {
            return Err(self.not_yet("somebody still uses the value before", self.spec.ttl));
        }
        let left = self.plan.leaves_at().and_then(|until| until.duration_since(self.now()).ok());
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            return Err(self.not_yet("the value before is still accepted", left));
        }
        self.clear_up().await
    }

    /// Puts the new version, unless it was put before a crash.
    async fn put(&self, value: &NewValue) -> Result<(), Error> {
        let described = self.manager.describe(&self.spec.name).await?;
        if described.has(&self.plan.to()) {
            return Ok(());
        }
        let value = match value {
            NewValue::Generated => generate(&self.spec)?,
            NewValue::Given(value) => self.manager.checked(&self.spec, value)?,
        };
        let token = Token::known(&self.plan.to());
        match self.manager.put(&self.spec.name, &value, &token, Stage::Pending).await {
            // The version exists with another value: that of the attempt before, whose answer was lost.
            Ok(_) | Err(Error::Exists { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn await_distribution(&self, distribution: Distribution) -> Result<(), Error> {
        if self.plan.is_emergency() || distribution == Distribution::Reported {
            return Ok(());
        }
        let from = self.status().finish_from;
        match from.and_then(|from| from.duration_since(self.now()).ok()).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(self.not_yet("a process may not accept the new value yet", wait)),
            None => Ok(()),
        }
    }

    /// Whoever announced another version meanwhile made every process forget ours.
    async fn is_still_announced(&self) -> Result<(), Error> {
        let pending = self.manager.announced(&self.spec.name).await?.pending;
        if pending.as_deref() == Some(self.plan.to().as_str()) {
            return Ok(());
        }
        let token = pending.unwrap_or_else(|| "none".to_owned());
        Err(Error::RotationInProgress { name: self.spec.name.clone(), token })
    }

    /// Moves the label of the version in use, between two announcements: the first says until when the one before is
    /// accepted, the second that whoever still answers with it lags.
    pub(super) async fn take_over(&mut self, step: Step) -> Result<(), Error> {
        let (name, to, from) = (self.spec.name.clone(), self.plan.to(), self.plan.from());
        match self.current().await? {
            Some(current) if current == from => self.plan.promote_at(self.now()),
            Some(current) if current == to => {}
            other => return Err(conflict(&name, &from, other)),
        }
        self.reached(step)?;
        let leaving = self.leaving(&from);
        let before = |told: &mut Announcement| {
            told.pending = Some(to.as_str().to_owned());
            told.current = None;
            told.previous.clone_from(&leaving);
        };
        self.manager.announce(&name, before).await?;
        self.manager.promote(&name, &to, &from).await?;
        let is_emergency = self.plan.is_emergency();
        let after = |told: &mut Announcement| {
            told.pending = None;
            told.current = Some(to.as_str().to_owned());
            told.previous.clone_from(&leaving);
            if is_emergency {
                told.deny(&from);
            }
        };
        self.manager.announce(&name, after).await
    }

    /// Without an overlap the version before is named all the same, so that a place that lags is seen to.
    fn leaving(&self, from: &VersionId) -> Option<Leaving> {
        Some(Leaving::new(from, self.plan.leaves_at()))
    }

    /// Nothing is announced any more but what is denied.
    pub(super) async fn clear_up(&mut self) -> Result<(), Error> {
        let (name, from) = (self.spec.name.clone(), self.plan.from());
        self.manager.unlabel(&name, &from, Stage::Previous).await?;
        let is_emergency = self.plan.is_emergency();
        let end = |told: &mut Announcement| {
            // After an emergency a place that lags must still be told from one that does not.
            if !is_emergency {
                (told.pending, told.current, told.previous) = (None, None, None);
            }
        };
        self.manager.announce(&name, end).await?;
        Plan::remove(&name, &self.path)
    }
}

fn conflict(name: &SecretName, expected: &VersionId, found: Option<VersionId>) -> Error {
    let found = found.map_or_else(|| "none".to_owned(), |found| found.as_str().to_owned());
    Error::VersionConflict { name: name.clone(), expected: expected.as_str().to_owned(), found }
}
