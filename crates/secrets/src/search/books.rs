//! What past searches leave behind for the next one, and whom a search is for.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::chain::Hidden;
use crate::name::SecretName;
use crate::schedule::Schedule;
use crate::secrets::Reloaded;
use crate::spec::SecretSpec;
use crate::warning::Notice;

/// Time between two looks at what places that cost a call have behind the values of this machine.
const LOOK_BEHIND_PERIOD: Duration = Duration::from_secs(15 * 60);

/// What past searches leave behind.
pub(super) struct Books {
    /// The last search for everything, and what it brought.
    pub(super) all: (u64, Reloaded),
    pub(super) notices: Vec<Notice>,
    pub(super) pages: BTreeMap<SecretName, Page>,
    /// When to look again at what is behind the values of this machine.
    look_behind_at: Instant,
}

/// What past searches leave behind of one secret.
pub(super) struct Page {
    pub(super) schedule: Schedule,
    /// The last search that asked every place for it.
    pub(super) searched: u64,
    /// What places that cost a call have behind a value of this machine.
    pub(super) behind: Vec<Hidden>,
}

impl Books {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a SecretName>) -> Self {
        let page = || Page { schedule: Schedule::new(), searched: 0, behind: Vec::new() };
        let pages = names.map(|name| (name.clone(), page())).collect();
        let look_behind_at = Instant::now();
        Self { all: (0, Reloaded::default()), notices: Vec::new(), pages, look_behind_at }
    }

    /// Whether a search looks behind the values of this machine: where somebody waits for one secret it never does.
    pub(super) fn looks_behind(&mut self, scope: Scope<'_>) -> bool {
        let now = Instant::now();
        let is_time = match scope {
            Scope::All => true,
            Scope::One(_) => false,
            Scope::DueSoon | Scope::Local => self.look_behind_at <= now,
        };
        if is_time {
            self.look_behind_at = now + LOOK_BEHIND_PERIOD;
        }
        is_time
    }
}

impl Page {
    pub(super) fn is_due(&self, spec: &SecretSpec) -> bool {
        self.schedule.is_due() || self.schedule.is_due_soon(spec)
    }
}

/// Who is looked for in places that cost a call. On this machine everything is looked for each time.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    All,
    One(&'a SecretName),
    DueSoon,
    Local,
}
