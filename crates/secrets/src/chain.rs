//! Asks each place in turn. Only "not found" lets the next one be asked.

mod search;

use std::sync::Arc;

use tokio::time::Instant;

use search::Search;

use crate::builder::Clock;
use crate::error::Error;
use crate::fault::Breach;
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::origin::{Origin, Provenance, Shadow};
use crate::policy;
use crate::profile::Profile;
use crate::provider::{Announced, Beside, Found, Provider, Rotating};
use crate::spec::SecretSpec;
use crate::text;
use crate::value::SecretValue;
use crate::version::{SecretVersion, Stage, VersionId};
use crate::warning::{Notice, Warning};

/// The places, in the order in which they are asked, and how strictly what they give is judged.
pub(crate) struct Chain {
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) profile: Profile,
    pub(crate) clock: Clock,
    pub(crate) fingerprints: FingerprintKey,
}

/// A secret to look for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) spec: &'a SecretSpec,
    /// Whether places that cost a call are asked when this machine does not have it.
    pub(crate) remote: Remote,
    /// What such places have behind a value of this machine.
    pub(crate) behind: Behind<'a>,
}

/// Whether places that cost a call are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    Now,
    /// Not in this search, which then brings nothing new.
    NotNow,
    /// In none: nobody here uses the secret, and a policy need not grant it.
    Never,
}

/// What places that cost a call have behind a value of this machine.
#[derive(Clone, Copy)]
pub(crate) enum Behind<'a> {
    /// They are asked; where they do not answer, this is still believed.
    Asked(&'a [Hidden]),
    Known(&'a [Hidden]),
}

/// A value that an earlier place hides. The value itself is not kept.
#[derive(Clone)]
pub(crate) struct Hidden {
    origin: Origin,
    /// `None` for one that is malformed.
    fingerprint: Option<Fingerprint>,
}

/// A secret that was found, cleaned and judged.
pub(crate) struct Resolved {
    pub(crate) version: SecretVersion,
    pub(crate) announced: Announcing,
    pub(crate) behind: Vec<Hidden>,
    pub(crate) notices: Vec<Notice>,
}

/// What is announced of a rotation, cleaned and judged.
#[derive(Clone)]
pub(crate) enum Announcing {
    Nothing,
    Unknown,
    Rotating(Box<Told>),
}

/// Which versions are accepted beside the one in use, and which no longer.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) pending: Option<Standing>,
    pub(crate) previous: Option<Standing>,
    pub(crate) is_told_of_current: bool,
    pub(crate) denied: Vec<VersionId>,
}

/// A version beside the one in use; without `version` it is one that is known already, or cannot be had.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) id: VersionId,
    pub(crate) version: Option<SecretVersion>,
    /// Until when it is accepted.
    pub(crate) until: Option<Instant>,
}

impl Chain {
    /// Looks for every one of `wanted`, in the order given; `None` where a place that would have been asked next was not
    /// to be, so that nothing new is known.
    pub(crate) async fn resolve(&self, wanted: &[Wanted<'_>]) -> Vec<Option<Result<Resolved, Error>>> {
        let mut searches: Vec<Search<'_>> = wanted.iter().map(|wanted| Search::new(*wanted)).collect();
        for provider in &self.providers {
            let is_local = provider.capabilities().is_local;
            let asking: Vec<&mut Search<'_>> =
                searches.iter_mut().filter_map(|search| search.asks(is_local).then_some(search)).collect();
            if asking.is_empty() {
                continue;
            }
            let asked: Vec<&SecretSpec> = asking.iter().map(|search| search.wanted.spec).collect();
            let answers = provider.get_many(&asked).await;
            // A place that leaves a question unanswered has not said "not found".
            let mut answers = answers.into_iter();
            for search in asking {
                let answer = answers.next().unwrap_or_else(|| Err(search.unanswered()));
                search.take(answer, is_local, self.profile);
            }
        }
        searches.into_iter().map(|search| (!search.is_cut_short).then(|| self.finish(search))).collect()
    }

    fn finish(&self, search: Search<'_>) -> Result<Resolved, Error> {
        let behind = self.behind(&search);
        let Search { wanted: Wanted { spec, .. }, tried, end, shadows, mut notices, .. } = search;
        let mut found = end.unwrap_or_else(|| Err(Error::NotFound { name: spec.name.clone(), tried }))?;
        let announced = std::mem::replace(&mut found.announced, Announced::Nothing);
        let announced = self.announcing(spec, &found.origin, announced, &mut notices);
        let invalid = |fault| Error::Invalid { name: spec.name.clone(), origin: found.origin.clone(), fault };
        let clean = text::clean(&found.raw, spec.format).map_err(invalid)?;
        let own = self.fingerprints.of(clean.value.expose());
        let shadowed: Vec<Shadow> = shadows
            .iter()
            .map(|other| self.hidden(spec, other))
            .chain(behind.iter().cloned())
            .map(|hidden| Shadow { origin: hidden.origin, differs: hidden.fingerprint != Some(own) })
            .collect();
        let drift = shadowed.iter().find(|shadow| shadow.differs).map(|shadow| shadow.origin.clone());
        let warnings = found.warnings.iter().cloned();
        let warnings = warnings
            .chain(clean.repaired.map(Warning::Form))
            .chain(policy::breach(spec, &found.origin, &clean.value).map(Warning::Rule))
            .chain(drift.map(|place| Warning::HidesAnother { place }));
        for warning in warnings {
            notices.push(self.allow(spec, &found.origin, warning)?);
        }
        let version = self.version(found, clean.value, shadowed, Stage::Current);
        match announced.denial(version.id()) {
            Some(breach) => {
                let origin = version.provenance().origin.clone();
                Err(Error::Policy { name: spec.name.clone(), origin, breach })
            }
            None => Ok(Resolved { version, announced, behind, notices }),
        }
    }

    /// What lies behind the value of this machine with which a search ended.
    fn behind(&self, search: &Search<'_>) -> Vec<Hidden> {
        let spec = search.wanted.spec;
        match (&search.behind, search.wanted.behind) {
            _ if !search.is_local => Vec::new(),
            (Some(found), _) => found.iter().map(|other| self.hidden(spec, other)).collect(),
            (None, Behind::Asked(known) | Behind::Known(known)) => known.to_vec(),
        }
    }

    /// What a place that is not read offers beside the value in use.
    fn hidden(&self, spec: &SecretSpec, found: &Found) -> Hidden {
        let clean = text::clean(&found.raw, spec.format).ok();
        let fingerprint = clean.map(|clean| self.fingerprints.of(clean.value.expose()));
        Hidden { origin: found.origin.clone(), fingerprint }
    }

    fn announcing(
        &self,
        spec: &SecretSpec,
        origin: &Origin,
        announced: Announced,
        notices: &mut Vec<Notice>,
    ) -> Announcing {
        match announced {
            Announced::Nothing => Announcing::Nothing,
            Announced::Unknown => Announcing::Unknown,
            Announced::Rotating(Rotating { pending, previous, is_told_of_current, denied }) => {
                let mut stand = |beside: Option<Beside>, stage| {
                    let (standing, warning) = self.standing(spec, beside?, stage);
                    let (name, origin) = (spec.name.clone(), origin.clone());
                    notices.extend(warning.map(|warning| Notice { name, origin, warning }));
                    Some(standing)
                };
                let (pending, previous) = (stand(pending, Stage::Pending), stand(previous, Stage::Previous));
                Announcing::Rotating(Box::new(Told { pending, previous, is_told_of_current, denied }))
            }
        }
    }

    /// A version beside the one in use. One that is malformed or cannot be read is said, and not accepted.
    fn standing(&self, spec: &SecretSpec, beside: Beside, stage: Stage) -> (Standing, Option<Warning>) {
        let Beside { id, found, until } = beside;
        let cleaned =
            found.map(|found| text::clean(&found.raw, spec.format).map(|clean| (found, clean.value)));
        let (version, warning) = match cleaned {
            Some(Ok((found, value))) => (Some(self.version(*found, value, Vec::new(), stage)), None),
            Some(Err(fault)) => (None, Some(Warning::Form(fault))),
            None => (None, Some(Warning::BesideUnread)),
        };
        let left = until.map(|until| until.duration_since((self.clock)()).unwrap_or_default());
        let until = left.and_then(|left| Instant::now().checked_add(left));
        (Standing { id, version, until }, warning)
    }

    fn version(
        &self,
        found: Found,
        value: SecretValue,
        shadowed: Vec<Shadow>,
        stage: Stage,
    ) -> SecretVersion {
        let Found { raw: _, origin, id, created, grade, warnings: _, announced: _ } = found;
        let fingerprint = self.fingerprints.of(value.expose());
        let id = id.unwrap_or_else(|| VersionId::new(&fingerprint.to_string()));
        let provenance = Provenance { origin, resolved_at: (self.clock)(), grade, shadowed, fingerprint };
        SecretVersion { id, stage, created, value, provenance: Arc::new(provenance) }
    }

    /// What a strict profile refuses, another merely says.
    pub(crate) fn allow(
        &self,
        spec: &SecretSpec,
        origin: &Origin,
        warning: Warning,
    ) -> Result<Notice, Error> {
        let (name, origin) = (spec.name.clone(), origin.clone());
        match warning {
            Warning::Form(fault) if self.profile.is_strict() => Err(Error::Invalid { name, origin, fault }),
            Warning::Rule(breach) if self.profile.is_strict() => Err(Error::Policy { name, origin, breach }),
            warning @ (Warning::Form(_)
            | Warning::Rule(_)
            | Warning::Mount(_)
            | Warning::EmptyVariable
            | Warning::BesideUnread
            | Warning::HidesAnother { .. }) => Ok(Notice { name, origin, warning }),
        }
    }
}

impl Announcing {
    /// Why a version is not accepted though its place offers it.
    fn denial(&self, id: &VersionId) -> Option<Breach> {
        match self {
            Self::Nothing | Self::Unknown => None,
            Self::Rotating(told) => told.denied.contains(id).then(|| Breach::Denied { version: id.clone() }),
        }
    }
}
