//! Where each secret stands, for an operator. It holds no value.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::handle::Freshness;
use crate::name::SecretName;
use crate::origin::{Grade, Origin, Shadow};
use crate::set::SecretSet;
use crate::slot::Slot;
use crate::spec::{Class, SecretSpec};
use crate::version::VersionId;

const DAY_S: u64 = 24 * 60 * 60;

/// Where each secret stands.
#[derive(Clone, Debug)]
pub struct Report {
    /// One entry per declared secret, by name.
    pub entries: Vec<Entry>,
}

/// Where one secret stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The secret.
    pub name: SecretName,
    /// What it is for.
    pub purpose: &'static str,
    /// What kind of thing it is.
    pub class: Class,
    /// How far it can be trusted.
    pub freshness: Freshness,
    /// Why it could not be had when last looked for.
    pub error: Option<Error>,
    /// The version in use.
    pub version: Option<VersionReport>,
}

/// What can be said of a version without its value.
#[derive(Clone, Debug)]
pub struct VersionReport {
    /// Its id.
    pub id: VersionId,
    /// Where it was found.
    pub origin: Origin,
    /// How well that place keeps it.
    pub grade: Grade,
    /// Later places that also offer it.
    pub shadowed: Vec<Shadow>,
    /// Time since it was made, when that is known.
    pub age: Option<Duration>,
    /// Whether it is older than it may be; unknown ages are not.
    pub is_overdue: bool,
    /// How many versions are accepted, itself included.
    pub accepted: usize,
    /// The version that is about to take over.
    pub pending: Option<VersionId>,
    /// The version before, while it is accepted.
    pub previous: Option<VersionId>,
    /// How much longer the version before is accepted; `None` without one, or when it is retired by hand.
    pub previous_left: Option<Duration>,
}

impl Report {
    pub(crate) fn of<'a>(slots: impl Iterator<Item = &'a Arc<Slot>>, now: SystemTime) -> Self {
        Self { entries: slots.map(|slot| Entry::of(slot, now)).collect() }
    }

    /// The entry of a declared secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.as_str() == name)
    }
}

impl Entry {
    fn of(slot: &Slot, now: SystemTime) -> Self {
        let (spec, health) = (slot.spec(), slot.health());
        let version = slot.load().ok().map(|set| VersionReport::of(&set, spec, now));
        Self {
            name: spec.name.clone(),
            purpose: spec.purpose,
            class: spec.class,
            freshness: health.freshness,
            error: health.last_error,
            version,
        }
    }
}

impl VersionReport {
    fn of(set: &SecretSet, spec: &SecretSpec, now: SystemTime) -> Self {
        let (version, (pending, previous)) = (set.primary(), set.beside());
        let provenance = version.provenance();
        let age = version.created().at().and_then(|made| now.duration_since(made).ok());
        Self {
            id: version.id().clone(),
            origin: provenance.origin.clone(),
            grade: provenance.grade,
            shadowed: provenance.shadowed.clone(),
            age,
            is_overdue: age.is_some_and(|age| age > spec.age_max),
            accepted: set.accepted().count(),
            pending: pending.cloned(),
            previous: previous.cloned(),
            previous_left: set.previous().and_then(|(_, left)| left),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(out, "{entry}"))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.name)?;
        match (&self.version, &self.error) {
            (Some(version), None) => write!(out, "{version}"),
            (Some(version), Some(error)) => write!(out, "{version}; last search: {error}"),
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
            write!(out, "; hides {relation} in {}", shadow.origin)
        })
    }
}
