//! The state between searches, and the scope of a search.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::ReloadOutcome;
use crate::chain::ShadowedValue;
use crate::name::SecretName;
use crate::schedule::Schedule;
use crate::spec::SecretSpec;
use crate::warning::Notice;

/// Time between two reads of the remote values that local values shadow.
const SHADOWS_PERIOD: Duration = Duration::from_secs(15 * 60);

pub(super) struct SearchState {
    /// The number of the last search of everything, and its outcome.
    pub(super) last_full: (u64, ReloadOutcome),
    /// The notices that were reported and still hold.
    pub(super) notices: Vec<Notice>,
    pub(super) secrets: BTreeMap<SecretName, SecretState>,
    shadows_due: Instant,
}

pub(super) struct SecretState {
    pub(super) schedule: Schedule,
    /// The number of the last search that queried every source for it.
    pub(super) last_search: u64,
    pub(super) remote_shadows: Vec<ShadowedValue>,
}

impl SearchState {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a SecretName>) -> Self {
        let secret = || SecretState { schedule: Schedule::new(), last_search: 0, remote_shadows: Vec::new() };
        let secrets = names.map(|name| (name.clone(), secret())).collect();
        let last_full = (0, ReloadOutcome::default());
        Self { last_full, notices: Vec::new(), secrets, shadows_due: Instant::now() }
    }

    /// Whether a search reads shadowed remote values; never when a caller waits for one secret.
    pub(super) fn refreshes_shadows(&mut self, scope: Scope<'_>) -> bool {
        let now = Instant::now();
        let is_due = match scope {
            Scope::All => true,
            Scope::One(_) => false,
            Scope::DueSoon | Scope::Local => self.shadows_due <= now,
        };
        if is_due {
            self.shadows_due = now + SHADOWS_PERIOD;
        }
        is_due
    }
}

impl SecretState {
    pub(super) fn is_due(&self, spec: &SecretSpec) -> bool {
        self.schedule.is_due() || self.schedule.is_due_soon(spec)
    }
}

/// The secrets that remote sources are queried for. Local sources are queried for all secrets in every search.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    All,
    One(&'a SecretName),
    DueSoon,
    Local,
}
