//! Queries the sources in order. The next source is queried only after "not found".

mod lookup;

use std::sync::Arc;

use tokio::time::Instant;

use lookup::Lookup;

use crate::clock::Clock;
use crate::error::Error;
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::origin::{Origin, Provenance, Shadow};
use crate::policy;
use crate::profile::Profile;
use crate::rotation_state::{RotationState, RotationUpdate, VersionState};
use crate::source::{OverlapVersion, RawSecret, Source};
use crate::spec::SecretSpec;
use crate::text;
use crate::value::SecretValue;
use crate::version::{SecretVersion, Stage};
use crate::version_id::VersionId;
use crate::warning::{Notice, Warning};

/// The sources, in order, and how strictly their values are validated.
pub(crate) struct Chain {
    pub(crate) sources: Vec<Arc<dyn Source>>,
    pub(crate) profile: Profile,
    pub(crate) clock: Clock,
    pub(crate) fingerprints: FingerprintKey,
}

/// A secret to look up.
#[derive(Clone, Copy)]
pub(crate) struct LookupRequest<'a> {
    pub(crate) spec: &'a SecretSpec,
    /// Whether remote sources are queried when no local source has the secret; otherwise the search has no result then.
    pub(crate) queries_remote: bool,
    pub(crate) remote_shadows: RemoteShadows<'a>,
}

/// The remote values that a local value shadows.
#[derive(Clone, Copy)]
pub(crate) enum RemoteShadows<'a> {
    /// Read them again; if a source does not respond, these still count.
    Refresh(&'a [ShadowedValue]),
    Cached(&'a [ShadowedValue]),
}

/// A value that an earlier source shadows. The value itself is dropped.
#[derive(Clone)]
pub(crate) struct ShadowedValue {
    origin: Origin,
    /// `None` when the value is malformed.
    fingerprint: Option<Fingerprint>,
}

/// A cleaned and validated secret.
pub(crate) struct Resolution {
    pub(crate) version: SecretVersion,
    pub(crate) rotation: RotationUpdate<VersionState>,
    pub(crate) remote_shadows: Vec<ShadowedValue>,
}

/// The end of a lookup, and what was noticed on the way.
pub(crate) struct LookupResult {
    pub(crate) resolution: Result<Resolution, Error>,
    pub(crate) notices: Vec<Notice>,
}

impl Chain {
    /// Looks up all secrets, in the order of `requests`; `None` for a lookup that was deferred.
    pub(crate) async fn resolve(&self, requests: &[LookupRequest<'_>]) -> Vec<Option<LookupResult>> {
        let mut lookups: Vec<Lookup<'_>> = requests.iter().map(|request| Lookup::new(*request)).collect();
        for source in &self.sources {
            let is_local = source.is_local();
            let pending: Vec<&mut Lookup<'_>> =
                lookups.iter_mut().filter_map(|lookup| lookup.queries(is_local).then_some(lookup)).collect();
            if pending.is_empty() {
                continue;
            }
            let specs: Vec<&SecretSpec> = pending.iter().map(|lookup| lookup.request.spec).collect();
            // A missing result is not "not found".
            let mut results = source.get_many(&specs).await.into_iter();
            for lookup in pending {
                let result = results.next().unwrap_or_else(|| Err(lookup.missing_result()));
                lookup.record(result, is_local, self.profile);
            }
        }
        lookups.into_iter().map(|lookup| (!lookup.is_deferred).then(|| self.finish(lookup))).collect()
    }

    fn finish(&self, mut lookup: Lookup<'_>) -> LookupResult {
        let mut notices = std::mem::take(&mut lookup.notices);
        LookupResult { resolution: self.validate(lookup, &mut notices), notices }
    }

    fn validate(&self, lookup: Lookup<'_>, notices: &mut Vec<Notice>) -> Result<Resolution, Error> {
        let remote_shadows = self.remote_shadows(&lookup);
        let Lookup { request: LookupRequest { spec, .. }, tried, result, shadows, .. } = lookup;
        let mut raw = result.unwrap_or_else(|| Err(Error::NotFound { name: spec.name.clone(), tried }))?;
        let rotation = std::mem::replace(&mut raw.rotation, RotationUpdate::None);
        let rotation = self.validate_rotation(spec, &raw.origin, rotation, notices);
        let invalid = |reason| Error::Invalid { name: spec.name.clone(), origin: raw.origin.clone(), reason };
        let clean = text::clean(&raw.value, spec).map_err(invalid)?;
        let fingerprint = self.fingerprints.fingerprint(clean.value.expose());
        let shadowed: Vec<Shadow> = shadows
            .iter()
            .map(|other| self.shadowed_value(spec, other))
            .chain(remote_shadows.iter().cloned())
            .map(|other| Shadow { origin: other.origin, differs: other.fingerprint != Some(fingerprint) })
            .collect();
        let different = shadowed.iter().find(|shadow| shadow.differs).map(|shadow| shadow.origin.clone());
        let warnings = raw.warnings.iter().cloned();
        let warnings = warnings
            .chain(clean.repaired.map(Warning::Invalid))
            .chain(policy::violation(spec, &raw.origin, &clean.value).map(Warning::Policy))
            .chain(different.map(|origin| Warning::ShadowsOther { origin }));
        for warning in warnings {
            notices.push(self.allow(spec, &raw.origin, warning)?);
        }
        let version = self.version(raw, clean.value, shadowed, Stage::Current);
        match &rotation {
            RotationUpdate::Active(state) if state.revoked.contains(version.id()) => {
                Err(Error::revoked(spec, &version))
            }
            RotationUpdate::None | RotationUpdate::Unknown | RotationUpdate::Active(_) => {
                Ok(Resolution { version, rotation, remote_shadows })
            }
        }
    }

    /// The remote values that a value of a local source shadows.
    fn remote_shadows(&self, lookup: &Lookup<'_>) -> Vec<ShadowedValue> {
        let spec = lookup.request.spec;
        match (&lookup.remote_shadows, lookup.request.remote_shadows) {
            _ if !lookup.is_local => Vec::new(),
            (Some(values), _) => values.iter().map(|other| self.shadowed_value(spec, other)).collect(),
            (None, RemoteShadows::Refresh(known) | RemoteShadows::Cached(known)) => known.to_vec(),
        }
    }

    fn shadowed_value(&self, spec: &SecretSpec, raw: &RawSecret) -> ShadowedValue {
        let clean = text::clean(&raw.value, spec).ok();
        let fingerprint = clean.map(|clean| self.fingerprints.fingerprint(clean.value.expose()));
        ShadowedValue { origin: raw.origin.clone(), fingerprint }
    }

    fn validate_rotation(
        &self,
        spec: &SecretSpec,
        origin: &Origin,
        rotation: RotationUpdate<OverlapVersion>,
        notices: &mut Vec<Notice>,
    ) -> RotationUpdate<VersionState> {
        match rotation {
            RotationUpdate::None => RotationUpdate::None,
            RotationUpdate::Unknown => RotationUpdate::Unknown,
            RotationUpdate::Active(state) => {
                let RotationState { pending, previous, covers_current, revoked } = *state;
                let mut validate = |version: Option<OverlapVersion>, stage| {
                    let (state, warning) = self.version_state(spec, version?, stage);
                    let (name, origin) = (spec.name.clone(), origin.clone());
                    notices.extend(warning.map(|warning| Notice { name, origin, warning }));
                    Some(state)
                };
                let pending = validate(pending, Stage::Pending);
                let previous = validate(previous, Stage::Previous);
                RotationUpdate::Active(Box::new(RotationState { pending, previous, covers_current, revoked }))
            }
        }
    }

    /// A malformed or unreadable version is reported and not accepted.
    fn version_state(
        &self,
        spec: &SecretSpec,
        version: OverlapVersion,
        stage: Stage,
    ) -> (VersionState, Option<Warning>) {
        let OverlapVersion { id, secret, accepted_until } = version;
        let clean = secret.map(|raw| text::clean(&raw.value, spec).map(|clean| (raw, clean.value)));
        let (version, warning) = match clean {
            Some(Ok((raw, value))) => (Some(self.version(*raw, value, Vec::new(), stage)), None),
            Some(Err(reason)) => (None, Some(Warning::Invalid(reason))),
            None => (None, Some(Warning::OverlapVersionUnreadable)),
        };
        let remaining = accepted_until.map(|until| until.duration_since((self.clock)()).unwrap_or_default());
        let accepted_until = remaining.and_then(|remaining| Instant::now().checked_add(remaining));
        (VersionState { id, version, accepted_until }, warning)
    }

    fn version(
        &self,
        raw: RawSecret,
        value: SecretValue,
        shadowed: Vec<Shadow>,
        stage: Stage,
    ) -> SecretVersion {
        let RawSecret { value: _, origin, id, created, grade, warnings: _, rotation: _ } = raw;
        let fingerprint = || self.fingerprints.fingerprint(value.expose()).to_string();
        let id = id.unwrap_or_else(|| VersionId::new(&fingerprint()));
        let provenance = Arc::new(Provenance { origin, grade, shadowed });
        SecretVersion { id, stage, created, value, provenance }
    }

    /// Turns a warning into an error if a strict profile refuses it, and into a notice otherwise.
    pub(crate) fn allow(
        &self,
        spec: &SecretSpec,
        origin: &Origin,
        warning: Warning,
    ) -> Result<Notice, Error> {
        let (name, origin) = (spec.name.clone(), origin.clone());
        match warning {
            Warning::Invalid(reason) if self.profile.is_strict() => {
                Err(Error::Invalid { name, origin, reason })
            }
            Warning::Policy(violation) if self.profile.is_strict() => {
                Err(Error::Policy { name, origin, violation })
            }
            warning @ (Warning::Invalid(_)
            | Warning::Policy(_)
            | Warning::Mount(_)
            | Warning::Empty
            | Warning::OverlapVersionUnreadable
            | Warning::ShadowsOther { .. }) => Ok(Notice { name, origin, warning }),
        }
    }
}
