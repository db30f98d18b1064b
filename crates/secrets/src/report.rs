//! The state of every secret for an operator, without values.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::health::Freshness;
use crate::name::SecretName;
use crate::origin::{Grade, Origin, Shadow};
use crate::set::SecretSet;
use crate::slot::Slot;
use crate::spec::{Class, SecretSpec};
use crate::version_id::VersionId;

const DAY_S: u64 = 24 * 60 * 60;

/// The state of every declared secret.
#[derive(Clone, Debug)]
pub struct Report {
    /// One per declared secret, by name.
    pub secrets: Vec<SecretReport>,
}

/// The state of one secret.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the first three are of its declaration")]
pub struct SecretReport {
    pub name: SecretName,
    pub purpose: &'static str,
    pub class: Class,
    /// How far the value can be trusted.
    pub freshness: Freshness,
    /// The error of the last search, if it failed.
    pub error: Option<Error>,
    /// As [`Health::expires_in`](crate::Health::expires_in).
    pub expires_in: Option<Duration>,
    /// The version in use.
    pub version: Option<VersionReport>,
}

/// A version without its value.
#[derive(Clone, Debug)]
pub struct VersionReport {
    /// Comparable between processes only where the source assigns ids.
    pub id: VersionId,
    /// Its origin.
    pub origin: Origin,
    /// How well the source protects it.
    pub grade: Grade,
    /// Later sources that also have the secret.
    pub shadowed: Vec<Shadow>,
    /// Time since its creation, if known.
    pub age: Option<Duration>,
    /// Whether it is due for rotation; `false` when its age is unknown.
    pub is_overdue: bool,
    /// The version that is about to take over.
    pub pending: Option<VersionId>,
    /// The previous version, while it is accepted.
    pub previous: Option<VersionId>,
    /// For how much longer the previous version is accepted; `None` without one, or when it is retired by hand.
    pub previous_left: Option<Duration>,
}

impl Report {
    pub(crate) fn new<'a>(slots: impl Iterator<Item = &'a Arc<Slot>>, now: SystemTime) -> Self {
        Self { secrets: slots.map(|slot| SecretReport::new(slot, now)).collect() }
    }

    /// The state of one declared secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretReport> {
        self.secrets.iter().find(|secret| secret.name.as_str() == name)
    }
}

impl SecretReport {
    fn new(slot: &Slot, now: SystemTime) -> Self {
        let (spec, health) = (slot.spec(), slot.health());
        let version = slot.load().ok().map(|set| VersionReport::new(&set, spec, now));
        Self {
            name: spec.name.clone(),
            purpose: spec.purpose,
            class: spec.class,
            freshness: health.freshness,
            error: health.last_error,
            expires_in: health.expires_in,
            version,
        }
    }
}

impl VersionReport {
    fn new(set: &SecretSet, spec: &SecretSpec, now: SystemTime) -> Self {
        let (version, (pending, previous)) = (set.primary(), set.overlap_ids());
        let provenance = version.provenance();
        let age = version.created.at().and_then(|created| now.duration_since(created).ok());
        Self {
            id: version.id().clone(),
            origin: provenance.origin.clone(),
            grade: provenance.grade,
            shadowed: provenance.shadowed.clone(),
            age,
            is_overdue: age.is_some_and(|age| age > spec.age_max),
            pending: pending.cloned(),
            previous: previous.cloned(),
            previous_left: set.previous().and_then(|(_, left)| left),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.secrets.iter().try_for_each(|secret| writeln!(out, "{secret}"))
    }
}

impl fmt::Display for SecretReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.name)?;
        match (&self.version, &self.error) {
            (Some(version), None) => write!(out, "{version}"),
            (Some(version), Some(error)) => {
                write!(out, "{version}; last search: {error}")?;
                let expires_in = self.expires_in.map(|left| left.as_secs());
                expires_in.map_or(Ok(()), |left_s| write!(out, "; expires in {left_s} s"))
            }
            (None, Some(Error::NotFound { .. }) | None) => out.write_str("not set"),
            (None, Some(error)) => write!(out, "none; {error}"),
        }
    }
}

impl fmt::Display for VersionReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "version {} from {} ({})", self.id, self.origin, self.grade)?;
        match self.age {
            Some(age) => write!(out, ", {} days old", age.as_secs() / DAY_S)?,
            None => out.write_str(", age unknown")?,
        }
        if self.is_overdue {
            out.write_str(", due for rotation")?;
        }
        self.shadowed.iter().try_for_each(|shadow| {
            let relation = if shadow.differs { "another value" } else { "the same value" };
            write!(out, "; shadows {relation} in {}", shadow.origin)
        })
    }
}
