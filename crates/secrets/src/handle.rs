//! One component's access to one secret.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, ErrorKind};
use crate::health::Health;
use crate::name::SecretName;
use crate::set::SecretSet;
use crate::slot::Slot;
use crate::usage::ReadCounter;

/// One component's access to one secret: cheap to clone, always the newest value, never waits.
///
/// ```no_run
/// # async fn example(mut handle: secrets::SecretHandle) -> Result<(), secrets::Error> {
/// loop {
///     let set = handle.load()?;
///     // … rebuild what depends on `set.value()` …
///     handle.changed().await;
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct SecretHandle {
    slot: Arc<Slot>,
    changes: watch::Receiver<u64>,
    reads: Arc<ReadCounter>,
}

impl SecretHandle {
    pub(crate) fn new(slot: Arc<Slot>, component: &'static str) -> Self {
        let (changes, reads) = (slot.subscribe(), slot.read_counter(component));
        Self { slot, changes, reads }
    }

    /// The secret's name in the catalogue.
    #[must_use]
    pub fn name(&self) -> &SecretName {
        &self.slot.spec().name
    }

    /// The versions that are in use or accepted now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no source has the secret, [`Error::Expired`] when its source has not confirmed it for too
    /// long, or the error of the last search when it was never found.
    pub fn load(&self) -> Result<Arc<SecretSet>, Error> {
        self.slot.read(&self.reads, Arc::clone)
    }

    /// As [`load`](Self::load), but `None` when no source has the secret.
    ///
    /// # Errors
    /// As [`load`](Self::load), without [`Error::NotFound`].
    pub fn load_optional(&self) -> Result<Option<Arc<SecretSet>>, Error> {
        match self.load() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    }

    /// Passes the versions to `look` without cloning the `Arc`: cheaper than [`load`](Self::load) where many threads
    /// read one secret. `look` must be short and must not block.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn with<R>(&self, look: impl FnOnce(&SecretSet) -> R) -> Result<R, Error> {
        self.slot.read(&self.reads, |set| look(set))
    }

    /// Waits until the value differs from the one at the last call, or since the handle was created. Cancel-safe;
    /// several changes in a row may be reported as one.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // Unreachable: the sender lives in the slot that this handle keeps alive.
            std::future::pending::<()>().await;
        }
    }

    /// The state of the secret, for readiness and metrics.
    #[must_use]
    pub fn health(&self) -> Health {
        self.slot.health()
    }
}

impl fmt::Debug for SecretHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretHandle")
            .field("name", self.name())
            .field("component", &self.reads.component)
            .field("freshness", &self.health().freshness)
            .finish_non_exhaustive()
    }
}
