//! Elects one of all processes: what only one may do is done by the holder of a lease.

use std::sync::Arc;
use std::time::Duration;

use store::Store;
use telemetry::Clock;
use tokio::sync::watch;

use crate::ShutdownSignal;
use crate::registry::Heartbeat;

/// How long the lease lasts if it is not renewed: after a crash, another process acquires it then.
const LEASE: Duration = Duration::from_secs(15);
/// Time between two attempts to acquire or renew it.
const PERIOD: Duration = Duration::from_secs(4);

/// Whether this process holds a lease. Clones share it.
#[derive(Clone, Debug)]
pub struct LeaderLease {
    name: &'static str,
    is_held: Arc<watch::Sender<bool>>,
}

impl LeaderLease {
    /// A lease that is not held yet.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, is_held: Arc::new(watch::Sender::new(false)) }
    }

    /// Whether this process holds it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        *self.is_held.borrow()
    }

    /// Waits until this process holds it.
    pub async fn acquired(&self) {
        drop(self.is_held.subscribe().wait_for(|is_held| *is_held).await);
    }

    /// Waits until this process does not hold it.
    pub async fn lost(&self) {
        drop(self.is_held.subscribe().wait_for(|is_held| !*is_held).await);
    }

    /// Acquires and renews the lease until `shutdown`, and then gives it back.
    pub async fn run(
        self,
        store: Store,
        owner: String,
        clock: Clock,
        heartbeat: Heartbeat,
        shutdown: ShutdownSignal,
    ) {
        while !shutdown.is_set() {
            heartbeat.beat();
            // If the query fails, assume the lease is lost.
            let elected = store.acquire_leader_lease(self.name, &owner, LEASE, clock.now()).await;
            let is_held = elected.unwrap_or(false);
            match (self.is_held.send_replace(is_held), is_held) {
                (false, true) => tracing::info!(lease = self.name, "leader lease acquired"),
                (true, false) => tracing::info!(lease = self.name, "leader lease lost"),
                (true, true) | (false, false) => {}
            }
            tokio::select! {
                () = shutdown.wait() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        self.is_held.send_replace(false);
        // If this fails, the lease expires.
        drop(store.release_leader_lease(self.name, &owner, clock.now()).await);
    }
}
