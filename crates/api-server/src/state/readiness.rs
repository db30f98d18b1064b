//! Whether the service takes new work, known to the probes, to the workers and to the shutdown.

use std::sync::Arc;

use tokio::sync::watch;

/// Ready until [`Readiness::drain`] is called, once and for all. Clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<bool>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Readiness {
    /// Says that no new work is taken: `/readyz` fails from now on and workers end.
    pub fn drain(&self) {
        self.0.send_replace(true);
    }

    /// Whether [`drain`](Self::drain) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is.
    pub async fn drained(&self) {
        let mut changes = self.0.subscribe();
        // The sender lives as long as `self`, so that waiting cannot fail before the value is true.
        drop(changes.wait_for(|is_draining| *is_draining).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn draining_is_seen_by_every_clone_and_stays() {
        let readiness = Readiness::default();
        let other = readiness.clone();
        assert!(!other.is_draining());
        let waiting = tokio::spawn(async move { other.drained().await });
        readiness.drain();
        waiting.await.unwrap();
        assert!(readiness.is_draining());
        readiness.drained().await;
    }
}
