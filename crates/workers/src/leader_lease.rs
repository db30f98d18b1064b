//! Elects one of all processes: only the process that holds a lease does certain work.

use std::sync::Arc;
use std::time::Duration;

use store::Store;
use telemetry::Clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::registry::Heartbeat;

/// Duration of a lease that is not renewed: after a crash, another process acquires it then.
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

    /// Whether this process holds the lease.
    #[must_use]
    pub fn is_held(&self) -> bool {
        *self.is_held.borrow()
    }

    /// Waits until this process holds the lease.
    pub async fn acquired(&self) {
        drop(self.is_held.subscribe().wait_for(|is_held| *is_held).await);
    }

    /// Waits until this process does not hold the lease.
    pub async fn lost(&self) {
        drop(self.is_held.subscribe().wait_for(|is_held| !*is_held).await);
    }

    /// Acquires and renews the lease until `shutdown`, then releases it.
    pub async fn run(
        self,
        store: Store,
        owner: String,
        clock: Clock,
        heartbeat: Heartbeat,
        shutdown: CancellationToken,
    ) {
        while !shutdown.is_cancelled() {
            heartbeat.beat();
            // If the query fails, assume the lease is lost.
            let elected = store.acquire_leader_lease(self.name, &owner, LEASE, clock.now()).await;
            let is_held = elected.unwrap_or(false);
            match (self.is_held.send_replace(is_held), is_held) {
                (false, true) => tracing::info!(lease = self.name, "leader lease acquired"),
                (true, false) => tracing::info!(lease = self.name, "leader lease lost"),
                (true, true) | (false, false) => {}
            }
            shutdown.run_until_cancelled(tokio::time::sleep(PERIOD)).await;
        }
        self.is_held.send_replace(false);
        // If this fails, the lease expires by itself.
        drop(store.release_leader_lease(self.name, &owner, clock.now()).await);
    }
}
