//! One component's grip on one secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{Error, Kind};
use crate::name::SecretName;
use crate::set::SecretSet;
use crate::slot::Slot;
use crate::usage::Reads;

/// One component's grip on one secret: cheap to clone, always the newest value, never waits.
///
/// ```no_run
/// # async fn example(mut handle: secrets::SecretHandle) -> Result<(), secrets::Error> {
/// loop {
///     let set = handle.load()?;
///     // … rebuild what was made of `set.value()` …
///     handle.changed().await;
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct SecretHandle {
    slot: Arc<Slot>,
    seen: watch::Receiver<u64>,
    reads: Arc<Reads>,
}

/// How far a value can be trusted to be the one that its source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Its source confirmed it when last asked.
    Fresh,
    /// Its source could not confirm it.
    Stale {
        /// Time since it was last confirmed.
        age: Duration,
        /// Why it could not be confirmed.
        why: Kind,
    },
    /// It may be served no longer.
    Expired,
    /// There is none.
    Absent,
}

/// How a secret stands.
#[derive(Clone, Debug)]
pub struct Health {
    /// How far it can be trusted.
    pub freshness: Freshness,
    /// Time since its source last confirmed it; `None` when there is none.
    pub confirmed_ago: Option<Duration>,
    /// What went wrong when it was last looked for.
    pub last_error: Option<Error>,
}

impl SecretHandle {
    pub(crate) fn new(slot: Arc<Slot>, component: &'static str) -> Self {
        let (seen, reads) = (slot.subscribe(), slot.reads_by(component));
        Self { slot, seen, reads }
    }

    /// The secret's name.
    #[must_use]
    pub fn name(&self) -> &SecretName {
        &self.slot.spec().name
    }

    /// The component that holds this handle.
    #[must_use]
    pub fn component(&self) -> &'static str {
        self.reads.component
    }

    /// The versions that matter now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no place has it, [`Error::Expired`] when its source has not confirmed it for too long,
    /// or the error of the last search when it was never found.
    pub fn load(&self) -> Result<Arc<SecretSet>, Error> {
        self.slot.read(&self.reads)
    }

    /// Looks at the versions that matter now without taking a share of them: cheaper than [`load`](Self::load) where many
    /// threads read one secret. `look` should be short, and must not wait.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn with<R>(&self, look: impl FnOnce(&SecretSet) -> R) -> Result<R, Error> {
        self.slot.read_with(&self.reads, |set| look(set))
    }

    /// Waits until the value is another one than when this was last called, or since the handle was taken. Safe to
    /// drop at any time; several changes in a row may be seen as one.
    pub async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            // The sender lives in the slot that this handle keeps alive.
            std::future::pending::<()>().await;
        }
    }

    /// How the secret stands, for readiness and metrics.
    #[must_use]
    pub fn health(&self) -> Health {
        self.slot.health()
    }
}

impl fmt::Debug for SecretHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretHandle")
            .field("name", self.name())
            .field("component", &self.component())
            .field("freshness", &self.health().freshness)
            .finish_non_exhaustive()
    }
}
