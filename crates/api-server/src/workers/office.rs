//! An office that one of all processes holds: what only one may do is done by its holder.

use std::sync::Arc;
use std::time::Duration;

use store::Store;
use tokio::sync::watch;

use super::roster::Heart;
use crate::clock::Clock;
use crate::serve::Draining;

/// How long the office is held without being prolonged: after a crash another process takes over then.
const HOLD: Duration = Duration::from_secs(15);
/// Prolongs, or asks for, the office this often.
const PERIOD: Duration = Duration::from_secs(4);

/// Whether this process holds an office. Clones share it.
#[derive(Clone, Debug)]
pub struct Office {
    name: &'static str,
    is_held: Arc<watch::Sender<bool>>,
}

impl Office {
    /// An office that is not held yet.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, is_held: Arc::new(watch::Sender::new(false)) }
    }

    /// Whether it is held now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        *self.is_held.borrow()
    }

    /// Waits until it is.
    pub async fn held(&self) {
        drop(self.is_held.subscribe().wait_for(|is_held| *is_held).await);
    }

    /// Waits until it is not.
    pub async fn lost(&self) {
        drop(self.is_held.subscribe().wait_for(|is_held| !*is_held).await);
    }

    /// Asks for the office, keeps it, and gives it back at the end.
    pub async fn run(self, store: Store, owner: String, heart: Heart, stopping: Draining) {
        while !stopping.has_begun() {
            heart.beat();
            let elected = store.elect(self.name, &owner, HOLD, Clock::System.now()).await;
            // Who cannot ask cannot know: then nobody here is to act.
            let is_held = elected.unwrap_or(false);
            if self.is_held.send_replace(is_held) != is_held {
                tracing::info!(office = self.name, is_held, "an office has changed hands");
            }
            tokio::select! {
                () = stopping.begun() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        self.is_held.send_replace(false);
        // Otherwise it runs out by itself.
        drop(store.step_down(self.name, &owner, Clock::System.now()).await);
    }
}
