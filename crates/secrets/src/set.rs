//! The versions of one secret that are in use or accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::rotation_state::{RotationState, RotationUpdate, VersionState};
use crate::value::SecretValue;
use crate::version::{SecretVersion, Stage};
use crate::version_id::VersionId;

/// The version to sign, send or connect with, and the versions to accept.
///
/// Only [`primary`](Self::primary) returns a single version, so no code can sign with a previous one.
#[derive(Clone, Debug)]
pub struct SecretSet {
    primary: SecretVersion,
    pending: Option<SecretVersion>,
    previous: Option<Previous>,
    /// Uses of the previous version; shared by all sets of a secret.
    previous_uses: Arc<AtomicU64>,
}

/// A version that was replaced. Without a deadline it is accepted until it is retired by hand.
#[derive(Clone, Debug)]
struct Previous {
    version: SecretVersion,
    accepted_until: Option<Instant>,
    /// It comes from an announcement, and ends with it.
    is_announced: bool,
}

impl SecretSet {
    pub(crate) fn new(primary: SecretVersion, previous_uses: Arc<AtomicU64>) -> Self {
        Self { primary, pending: None, previous: None, previous_uses }
    }

    /// The version to sign, send or connect with.
    #[must_use]
    pub fn primary(&self) -> &SecretVersion {
        &self.primary
    }

    /// The versions to verify against: the primary one, one that is about to take over, and the previous one until its
    /// deadline.
    pub fn accepted(&self) -> impl Iterator<Item = &SecretVersion> {
        let previous = self.previous.as_ref().filter(|previous| previous.is_accepted());
        std::iter::once(&self.primary)
            .chain(self.pending.as_ref())
            .chain(previous.map(|previous| &previous.version))
    }

    /// The accepted version whose bytes equal `candidate`, compared in constant time per version.
    #[must_use]
    pub fn verify_eq(&self, candidate: &[u8]) -> Option<&SecretVersion> {
        self.verify_with(|value| value.verify_eq(candidate))
    }

    /// The accepted version for which `verifies` holds, such as the key of a signature. Every version is tried, so that
    /// the time does not reveal which one matched. Uses of the previous version are counted, because it cannot be
    /// retired while it is used.
    #[must_use]
    pub fn verify_with(&self, verifies: impl Fn(&SecretValue) -> bool) -> Option<&SecretVersion> {
        let matching = self.accepted().fold(None, |first: Option<&SecretVersion>, version| {
            if verifies(version.value()) { first.or(Some(version)) } else { first }
        })?;
        if matching.stage() == Stage::Previous {
            self.count_previous_uses(1);
        }
        Some(matching)
    }

    /// Adds uses of the previous version that [`verify_with`](Self::verify_with) cannot see, such as those of one entry
    /// of a list.
    pub fn count_previous_uses(&self, count: u64) {
        self.previous_uses.fetch_add(count, Ordering::Relaxed);
    }

    /// The primary version's value.
    #[must_use]
    pub fn value(&self) -> &SecretValue {
        self.primary.value()
    }

    /// The set after `next` took over. The replaced version stays accepted for `overlap`: not at all when that is zero,
    /// and until it is retired by hand when it is [`Duration::MAX`].
    pub(crate) fn replaced_by(&self, next: SecretVersion, overlap: Duration) -> Self {
        let version = SecretVersion { stage: Stage::Previous, ..self.primary.clone() };
        let accepted_until = Instant::now().checked_add(overlap).filter(|_| overlap != Duration::MAX);
        let previous =
            (!overlap.is_zero()).then_some(Previous { version, accepted_until, is_announced: false });
        Self { primary: next, pending: None, previous, previous_uses: Arc::clone(&self.previous_uses) }
    }

    /// The same values with the primary version as read again. A previous one past its deadline is dropped, and wiped.
    pub(crate) fn confirmed(&self, primary: SecretVersion) -> Self {
        let previous = self.previous.clone().filter(Previous::is_accepted);
        Self { primary, previous, ..self.clone() }
    }

    /// The set with the announced versions beside its primary one. An announced version that could not be read this
    /// time is taken from `last`, the set before.
    pub(crate) fn with_rotation(mut self, update: RotationUpdate<VersionState>, last: Option<&Self>) -> Self {
        match update {
            RotationUpdate::None => {
                self.pending = None;
                self.previous = self.previous.take().filter(|previous| !previous.is_announced);
            }
            RotationUpdate::Unknown => {
                let pending = last.and_then(|last| last.pending.clone());
                self.pending = pending.filter(|pending| pending.id() != self.primary.id());
            }
            RotationUpdate::Active(state) => {
                let RotationState { pending, previous, covers_current, revoked } = *state;
                let unannounced = self.previous.take().filter(|_| !covers_current);
                self.pending = pending.and_then(|pending| pending.into_version(last, Stage::Pending));
                let announced = previous.and_then(|previous| {
                    let accepted_until = previous.accepted_until;
                    let version = previous.into_version(last, Stage::Previous)?;
                    Some(Previous { version, accepted_until, is_announced: true })
                });
                let previous = announced.or(unannounced);
                self.previous = previous.filter(|previous| !revoked.contains(previous.version.id()));
            }
        }
        self
    }

    /// The previous version while it is accepted, and for how much longer; `None` until it is retired by hand.
    pub(crate) fn previous(&self) -> Option<(&SecretVersion, Option<Duration>)> {
        let previous = self.previous.as_ref().filter(|previous| previous.is_accepted())?;
        let remaining = previous.accepted_until.map(|until| until.saturating_duration_since(Instant::now()));
        Some((&previous.version, remaining))
    }

    /// The pending and the previous version that are accepted beside the primary one.
    pub(crate) fn overlap_ids(&self) -> (Option<&VersionId>, Option<&VersionId>) {
        let pending = self.pending.as_ref().map(SecretVersion::id);
        (pending, self.previous().map(|(version, _)| version.id()))
    }

    fn version(&self, id: &VersionId) -> Option<&SecretVersion> {
        let previous = self.previous.as_ref().map(|previous| &previous.version);
        let mut all = std::iter::once(&self.primary).chain(self.pending.as_ref()).chain(previous);
        all.find(|version| version.id() == id)
    }
}

impl VersionState {
    /// The version itself, or the one with its id in the `last` set.
    fn into_version(self, last: Option<&SecretSet>, stage: Stage) -> Option<SecretVersion> {
        let version = self.version.or_else(|| last?.version(&self.id).cloned())?;
        Some(SecretVersion { stage, ..version })
    }
}

impl Previous {
    fn is_accepted(&self) -> bool {
        self.accepted_until.is_none_or(|until| Instant::now() < until)
    }
}
