//! The versions of one secret that matter now.

use std::time::Duration;

use tokio::time::Instant;

use crate::value::SecretValue;
use crate::version::{SecretVersion, Stage};

/// What to sign, send or connect with, and what to accept.
///
/// Only [`primary`](Self::primary) hands out a version alone: signing with a previous one cannot be written.
#[derive(Clone, Debug)]
pub struct SecretSet {
    primary: SecretVersion,
    pending: Option<SecretVersion>,
    previous: Option<Previous>,
}

/// A value on its way out. Without a deadline it is kept until it is retired by hand.
#[derive(Clone, Debug)]
struct Previous {
    version: SecretVersion,
    until: Option<Instant>,
}

impl SecretSet {
    pub(crate) fn new(primary: SecretVersion) -> Self {
        Self { primary, pending: None, previous: None }
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
        // Every version is compared, so that the time does not tell which one matched.
        self.accepted().fold(None, |found, version| {
            if version.value().verify_eq(candidate) { found.or(Some(version)) } else { found }
        })
    }

    /// The primary version's bytes.
    #[must_use]
    pub fn value(&self) -> &SecretValue {
        self.primary.value()
    }

    /// The set after `next` took over. The version before stays accepted for `overlap`; a zero one drops it now, and
    /// [`Duration::MAX`] keeps it until it is retired by hand.
    pub(crate) fn followed_by(&self, next: SecretVersion, overlap: Duration) -> Self {
        if overlap.is_zero() {
            return Self::new(next);
        }
        let version = SecretVersion { stage: Stage::Previous, ..self.primary.clone() };
        let until = Instant::now().checked_add(overlap).filter(|_| overlap != Duration::MAX);
        Self { primary: next, pending: None, previous: Some(Previous { version, until }) }
    }

    /// The same values, the primary one found again; a previous one past its deadline is let go and so wiped.
    pub(crate) fn confirmed(&self, primary: SecretVersion) -> Self {
        let previous = self.previous.clone().filter(Previous::is_accepted);
        Self { primary, pending: self.pending.clone(), previous }
    }
}

impl Previous {
    fn is_accepted(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}
