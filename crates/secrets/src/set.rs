//! The versions of one secret that matter now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::chain::{Announcing, Standing, Told};
use crate::value::SecretValue;
use crate::version::{SecretVersion, Stage, VersionId};

/// What to sign, send or connect with, and what to accept.
///
/// Only [`primary`](Self::primary) hands out a version alone: signing with a previous one cannot be written.
#[derive(Clone, Debug)]
pub struct SecretSet {
    primary: SecretVersion,
    pending: Option<SecretVersion>,
    previous: Option<Previous>,
    /// How often somebody proved themselves with the previous version; shared by all sets of a secret.
    previous_used: Arc<AtomicU64>,
}

/// A value on its way out. Without a deadline it is kept until it is retired by hand.
#[derive(Clone, Debug)]
struct Previous {
    version: SecretVersion,
    until: Option<Instant>,
    /// Its place said so, and ends it by saying so no longer.
    is_announced: bool,
}

impl SecretSet {
    pub(crate) fn new(primary: SecretVersion, previous_used: Arc<AtomicU64>) -> Self {
        Self { primary, pending: None, previous: None, previous_used }
    }

    /// The version to sign, send or connect with.
    #[must_use]
    pub fn primary(&self) -> &SecretVersion {
        &self.primary
    }

    /// The versions to verify against: the primary one, one that is about to take over, and the one before until its
    /// deadline.
    pub fn accepted(&self) -> impl Iterator<Item = &SecretVersion> {
        let previous = self.previous.as_ref().filter(|previous| previous.is_accepted());
        std::iter::once(&self.primary)
            .chain(self.pending.as_ref())
            .chain(previous.map(|previous| &previous.version))
    }

    /// The accepted version whose bytes are `candidate`, found in constant time per version.
    #[must_use]
    pub fn verify_eq(&self, candidate: &[u8]) -> Option<&SecretVersion> {
        self.verify_with(|value| value.verify_eq(candidate))
    }

    /// The accepted version under which `verifies` holds, such as that of a signature. Every version is tried, so that
    /// the time does not tell which one matched; and the use of a previous one is counted, because while it goes on
    /// that version cannot be retired.
    #[must_use]
    pub fn verify_with(&self, verifies: impl Fn(&SecretValue) -> bool) -> Option<&SecretVersion> {
        let matched = self.accepted().fold(None, |found: Option<&SecretVersion>, version| {
            if verifies(version.value()) { found.or(Some(version)) } else { found }
        })?;
        if matched.stage() == Stage::Previous {
            self.previous_used.fetch_add(1, Ordering::Relaxed);
        }
        Some(matched)
    }

    /// Counts uses of the previous version that [`verify_with`](Self::verify_with) did not see, such as those of one
    /// entry of a list.
    pub fn previous_was_used(&self, times: u64) {
        self.previous_used.fetch_add(times, Ordering::Relaxed);
    }

    /// The primary version's bytes.
    #[must_use]
    pub fn value(&self) -> &SecretValue {
        self.primary.value()
    }

    /// The set after `next` took over. The version before stays accepted for `overlap`; a zero one drops it now, and
    /// [`Duration::MAX`] keeps it until it is retired by hand.
    pub(crate) fn followed_by(&self, next: SecretVersion, overlap: Duration) -> Self {
        let version = SecretVersion { stage: Stage::Previous, ..self.primary.clone() };
        let until = Instant::now().checked_add(overlap).filter(|_| overlap != Duration::MAX);
        let previous = (!overlap.is_zero()).then_some(Previous { version, until, is_announced: false });
        Self { primary: next, pending: None, previous, previous_used: Arc::clone(&self.previous_used) }
    }

    /// The same values, the primary one found again; a previous one past its deadline is let go and so wiped.
    pub(crate) fn confirmed(&self, primary: SecretVersion) -> Self {
        let previous = self.previous.clone().filter(Previous::is_accepted);
        Self { primary, previous, ..self.clone() }
    }

    /// The set with the versions that are announced beside its primary one. What is announced and could not be had this
    /// time is taken from `held`, the set before.
    pub(crate) fn announced(mut self, announcing: Announcing, held: Option<&Self>) -> Self {
        match announcing {
            Announcing::Nothing => {
                self.pending = None;
                self.previous = self.previous.take().filter(|previous| !previous.is_announced);
            }
            Announcing::Unknown => {
                let pending = held.and_then(|held| held.pending.clone());
                self.pending = pending.filter(|pending| pending.id() != self.primary.id());
            }
            Announcing::Rotating(told) => {
                let Told { pending, previous, is_told_of_current, denied } = *told;
                let kept = self.previous.take().filter(|_| !is_told_of_current);
                self.pending = pending.and_then(|standing| standing.known(held, Stage::Pending));
                let told = previous.and_then(|standing| {
                    let until = standing.until;
                    Some(Previous {
                        version: standing.known(held, Stage::Previous)?,
                        until,
                        is_announced: true,
                    })
                });
                self.previous = told.or(kept).filter(|previous| !denied.contains(previous.version.id()));
            }
        }
        self
    }

    pub(crate) fn pending(&self) -> Option<&SecretVersion> {
        self.pending.as_ref()
    }

    /// The version before, while it is accepted, and how much longer it is.
    pub(crate) fn previous(&self) -> Option<(&SecretVersion, Option<Duration>)> {
        let previous = self.previous.as_ref().filter(|previous| previous.is_accepted())?;
        let left = previous.until.map(|until| until.saturating_duration_since(Instant::now()));
        Some((&previous.version, left))
    }

    /// The ids of what is accepted beside the primary version.
    pub(crate) fn beside(&self) -> (Option<&VersionId>, Option<&VersionId>) {
        (self.pending().map(SecretVersion::id), self.previous().map(|(version, _)| version.id()))
    }

    fn version(&self, id: &VersionId) -> Option<&SecretVersion> {
        let previous = self.previous.as_ref().map(|previous| &previous.version);
        let all = std::iter::once(&self.primary).chain(self.pending.as_ref()).chain(previous);
        all.into_iter().find(|version| version.id() == id)
    }
}

impl Standing {
    /// The version itself, or the one that is held under its id.
    fn known(self, held: Option<&SecretSet>, stage: Stage) -> Option<SecretVersion> {
        let version = self.version.or_else(|| held?.version(&self.id).cloned())?;
        Some(SecretVersion { stage, ..version })
    }
}

impl Previous {
    fn is_accepted(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}
