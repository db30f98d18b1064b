//! Searches for secrets, one search at a time: selects the secrets to look up, updates their slots and reports changes.

mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use state::{Scope, SearchState};

use crate::chain::{Chain, LookupRequest, LookupResult, RemoteShadows, Resolution};
use crate::error::Error;
use crate::event::{AuditSink, Event, Recorder};
use crate::invalid::PolicyViolation;
use crate::name::SecretName;
use crate::policy;
use crate::schedule::{Schedule, random_share};
use crate::slot::{Slot, Transition, Update};
use crate::spec::SecretSpec;
use crate::usage::ReadCounts;
use crate::value::SecretValue;
use crate::warning::{Notice, Warning};

pub(crate) struct Searcher {
    pub(crate) slots: BTreeMap<SecretName, Arc<Slot>>,
    pub(crate) chain: Chain,
    pub(crate) observers: Observers,
    /// Searches started so far.
    started: AtomicU64,
    /// Notified when a secret becomes due earlier.
    pub(crate) invalidated: Notify,
    /// Locked during a search, so that searches do not overlap.
    state: Mutex<SearchState>,
}

/// The receivers of events.
pub(crate) struct Observers {
    pub(crate) recorder: Recorder,
    pub(crate) audit: AuditSink,
}

/// The outcome of a reload.
#[derive(Clone, Debug, Default)]
pub struct ReloadOutcome {
    /// Secrets whose value changed, or that were found for the first time.
    pub changed: Vec<SecretName>,
    /// Errors of secrets that could not be read. Their last good values are served for a limited time; see
    /// [`SecretHandle::health`](crate::SecretHandle::health).
    pub failed: Vec<Error>,
    /// Warnings.
    pub notices: Vec<Notice>,
}

impl Searcher {
    pub(crate) fn new(slots: BTreeMap<SecretName, Arc<Slot>>, chain: Chain, observers: Observers) -> Self {
        let state = Mutex::new(SearchState::new(slots.keys()));
        let (started, invalidated) = (AtomicU64::new(0), Notify::new());
        Self { slots, chain, observers, started, invalidated, state }
    }

    /// The argument of [`all`](Self::all) and [`one`](Self::one): the number of searches started before the call.
    pub(crate) fn ticket(&self) -> u64 {
        self.started.load(Ordering::SeqCst)
    }

    /// Searches for everything, unless such a search started after the ticket was taken.
    pub(crate) async fn all(&self, ticket: u64) -> ReloadOutcome {
        let mut state = self.state.lock().await;
        if state.last_full.0 <= ticket {
            state.last_full = self.search(&mut state, Scope::All).await;
        }
        state.last_full.1.clone()
    }

    /// Searches for one secret, unless its last result is still trusted or newer than the ticket.
    pub(crate) async fn one(&self, ticket: u64, name: &SecretName) {
        let mut state = self.state.lock().await;
        let secret = state.secrets.get(name);
        let is_current =
            secret.is_some_and(|secret| secret.last_search > ticket || secret.schedule.is_trusted());
        if !is_current {
            self.search(&mut state, Scope::One(name)).await;
        }
    }

    /// Makes a secret due at once, even if its last result is still trusted.
    pub(crate) async fn invalidate(&self, name: &SecretName) {
        if let Some(secret) = self.state.lock().await.secrets.get_mut(name) {
            secret.schedule = Schedule::new();
        }
        self.invalidated.notify_one();
    }

    /// Searches for secrets that are due.
    pub(crate) async fn due(&self) {
        let mut state = self.state.lock().await;
        let is_due = state.secrets.values().any(|secret| secret.schedule.is_due());
        let scope = if is_due { Scope::DueSoon } else { Scope::Local };
        self.search(&mut state, scope).await;
    }

    /// The time at which the next secret is due. Local sources are read more often.
    pub(crate) async fn next_due(&self) -> Option<Instant> {
        self.state.lock().await.secrets.values().map(|secret| secret.schedule.due()).min()
    }

    async fn search(&self, state: &mut SearchState, scope: Scope<'_>) -> (u64, ReloadOutcome) {
        let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        let refreshes_shadows = state.refreshes_shadows(scope);
        let requests: Vec<LookupRequest<'_>> =
            self.slots.values().map(|slot| self.request(slot, state, scope, refreshes_shadows)).collect();
        let mut results = self.chain.resolve(&requests).await;
        self.refuse_reuse(&mut results);
        let mut outcome = ReloadOutcome::default();
        let mut notices = std::mem::take(&mut state.notices);
        let results = self.slots.values().zip(results);
        for (slot, result) in results.filter_map(|(slot, result)| Some((slot, result?))) {
            let LookupResult { resolution, notices: found } = result;
            let shadows = resolution.as_ref().map(|found| found.remote_shadows.clone()).map_err(Clone::clone);
            self.report_new_notices(&mut notices, slot.spec(), &found);
            self.update_slot(slot, resolution, &mut outcome);
            outcome.notices.extend(found);
            if let Some(secret) = state.secrets.get_mut(&slot.spec().name) {
                secret.last_search = number;
                let (spec, expires_in) = (slot.spec(), slot.health().expires_in);
                secret.schedule.record(shadows.as_ref().map(|_| ()), expires_in, spec, random_share());
                if let Ok(shadows) = shadows {
                    secret.remote_shadows = shadows;
                }
            }
        }
        state.notices = notices;
        (number, outcome)
    }

    fn request<'a>(
        &'a self,
        slot: &'a Slot,
        state: &'a SearchState,
        scope: Scope<'_>,
        refreshes_shadows: bool,
    ) -> LookupRequest<'a> {
        let spec = slot.spec();
        let secret = state.secrets.get(&spec.name);
        let previous = secret.map_or(&[][..], |secret| &secret.remote_shadows);
        let remote_shadows = match refreshes_shadows {
            true => RemoteShadows::Refresh(previous),
            false => RemoteShadows::Cached(previous),
        };
        let queries_remote = match scope {
            Scope::All => true,
            Scope::One(name) => *name == spec.name,
            // A local value that disappeared is looked up in remote sources at once.
            Scope::Local => slot.is_local(),
            Scope::DueSoon => slot.is_local() || secret.is_none_or(|secret| secret.is_due(spec)),
        };
        LookupRequest { spec, queries_remote, remote_shadows }
    }

    /// Refuses or reports the later of two secrets with one value, because they are compromised together.
    fn refuse_reuse(&self, results: &mut [Option<LookupResult>]) {
        let values: Vec<Option<SecretValue>> = self
            .slots
            .values()
            .zip(results.iter())
            .map(|(slot, result)| next_value(slot, result.as_ref()))
            .collect();
        let specs: Vec<_> = self.slots.values().map(|slot| slot.spec()).collect();
        let pairs = specs.iter().zip(&values).filter_map(|(spec, value)| Some((*spec, value.as_ref()?)));
        for (name, with) in policy::reused(pairs) {
            let reused = specs.iter().zip(results.iter_mut()).find(|(spec, _)| spec.name == name);
            let Some((spec, Some(result))) = reused else { continue };
            let Ok(resolution) = &result.resolution else { continue };
            let warning = Warning::Policy(PolicyViolation::Reused { with });
            match self.chain.allow(spec, &resolution.version.provenance().origin, warning) {
                Ok(notice) => result.notices.push(notice),
                Err(error) => result.resolution = Err(error),
            }
        }
    }

    fn update_slot(&self, slot: &Slot, result: Result<Resolution, Error>, outcome: &mut ReloadOutcome) {
        let name = slot.spec().name.clone();
        let update =
            result.map(|Resolution { version, rotation, remote_shadows: _ }| Update { version, rotation });
        let transition = slot.apply(update.clone());
        match (transition, update) {
            (Transition::StillAbsent, Err(Error::NotFound { .. })) => {}
            (_, Err(error)) => self.report_failure(slot, error, outcome),
            (Transition::Confirmed, Ok(_)) => self.observers.notify(&Event::Confirmed { name }),
            (Transition::Failed | Transition::StillAbsent, Ok(update)) => {
                let error = slot.health().last_error;
                let error = error.unwrap_or_else(|| Error::revoked(slot.spec(), &update.version));
                self.report_failure(slot, error, outcome);
            }
            (Transition::OverlapChanged, Ok(_)) => self.report_accepted_versions(slot),
            (transition @ (Transition::Appeared | Transition::Changed), Ok(Update { version, .. })) => {
                let (origin, version) = (version.provenance().origin.clone(), version.id().clone());
                let event_name = name.clone();
                self.observers.notify(&if transition == Transition::Appeared {
                    Event::Resolved { name: event_name, origin, version }
                } else {
                    Event::Changed { name: event_name, origin, version }
                });
                outcome.changed.push(name);
                if slot.load().is_ok_and(|set| set.overlap_ids() != (None, None)) {
                    self.report_accepted_versions(slot);
                }
            }
        }
    }

    fn report_failure(&self, slot: &Slot, error: Error, outcome: &mut ReloadOutcome) {
        let (name, expires_in) = (slot.spec().name.clone(), slot.health().expires_in);
        self.observers.notify(&Event::RefreshFailed { name, error: error.clone(), expires_in });
        outcome.failed.push(error);
    }

    fn report_accepted_versions(&self, slot: &Slot) {
        let Ok(set) = slot.load() else { return };
        let (pending, previous) = set.overlap_ids();
        let (pending, previous) = (pending.cloned(), previous.cloned());
        let name = slot.spec().name.clone();
        self.observers.notify(&Event::AcceptedVersions { name, pending, previous });
    }

    /// Reports how often each secret was read, and how often its previous value was used.
    pub(crate) fn report_usage(&self) {
        for slot in self.slots.values() {
            let name = &slot.spec().name;
            for (component, ReadCounts { fresh, stale, failed }) in slot.take_reads() {
                self.observers.notify(&Event::Reads { name: name.clone(), component, fresh, stale, failed });
            }
            let count = slot.take_previous_uses();
            if count > 0 {
                self.observers.notify(&Event::PreviousUsed { name: name.clone(), count });
            }
        }
    }

    /// Reports each notice when it first appears, and again only after it had disappeared.
    fn report_new_notices(&self, previous: &mut Vec<Notice>, spec: &SecretSpec, notices: &[Notice]) {
        for notice in notices.iter().filter(|notice| !previous.contains(notice)) {
            self.observers.notify(&Event::Notice(notice.clone()));
        }
        previous.retain(|notice| notice.name != spec.name);
        previous.extend_from_slice(notices);
    }
}

impl Observers {
    /// Notifies both. A failed audit record is counted and does not stop a read.
    pub(crate) fn notify(&self, event: &Event) {
        (self.recorder)(event);
        if (self.audit)(event).is_err() {
            (self.recorder)(&Event::AuditLost);
        }
    }
}

/// The value that a secret has after the search.
fn next_value(slot: &Slot, result: Option<&LookupResult>) -> Option<SecretValue> {
    match result.map(|result| &result.resolution) {
        Some(Ok(resolution)) => Some(resolution.version.value().clone()),
        Some(Err(_)) | None => slot.load().ok().map(|set| set.value().clone()),
    }
}
