//! Tells everything that runs in a process to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether to stop. Clones share it.
#[derive(Clone, Debug)]
pub struct ShutdownSignal(Arc<watch::Sender<bool>>);

impl Default for ShutdownSignal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl ShutdownSignal {
    /// Whether to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Tells everyone to stop; it cannot be taken back.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is set.
    pub async fn wait(&self) {
        let mut changes = self.0.subscribe();
        // The sender lives as long as `self`, so the wait ends with the value and never with an error.
        drop(changes.wait_for(|is_set| *is_set).await);
    }
}
