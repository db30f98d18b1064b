//! Checks twice a second whether the database responds and is still the one that was opened, and every five seconds whether it
//! accepts writes, for `/health` and `/readyz`. If the disk is full, reads still work but no delivery can be stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::Store;
use telemetry::{Clock, with_causes};
use tokio::time::timeout;

use crate::health::HealthRegistry;
use crate::registry::Heartbeat;

/// Time between two checks. What is acknowledged in a database that was replaced is lost.
const PERIOD: Duration = Duration::from_millis(500);
/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// Time between two writes: each is a commit that waits for the disk.
const WRITE_PERIOD: Duration = Duration::from_secs(5);
/// Longest time for one write; deliveries are written first.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time without a heartbeat: twenty checks, each of which takes at most [`CHECK_TIMEOUT`].
pub const DATABASE_SILENCE_MAX: Duration = CHECK_TIMEOUT.saturating_mul(20);

/// A lease that all processes share; a check writes its row.
const LEASE: &str = "health";
const LEASE_OWNER: &str = "all";

/// Runs the checks; never returns.
pub async fn run(store: Store, health: Arc<HealthRegistry>, clock: Clock, heartbeat: Heartbeat) {
    let is_writable = AtomicBool::new(true);
    tokio::join!(
        check_reads(&store, &health, &heartbeat, &is_writable),
        check_writes(&store, clock, &is_writable)
    );
}

async fn check_reads(
    store: &Store,
    health: &HealthRegistry,
    heartbeat: &Heartbeat,
    is_writable: &AtomicBool,
) {
    loop {
        let check = async {
            let checked = store.check_storage().await;
            if let Err(store::Error::Storage(fault)) = &checked {
                health.set_database_fault(fault.summary());
            }
            checked?;
            if is_writable.load(Ordering::Relaxed) {
                Ok(())
            } else {
                Err("the database does not accept writes".into())
            }
        };
        health.database().run(CHECK_TIMEOUT, check).await;
        heartbeat.beat();
        tokio::time::sleep(PERIOD).await;
    }
}

async fn check_writes(store: &Store, clock: Clock, is_writable: &AtomicBool) {
    loop {
        let write = store.acquire_leader_lease(LEASE, LEASE_OWNER, WRITE_PERIOD, clock.now());
        let error = match timeout(WRITE_TIMEOUT, write).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => Some("timed out".to_owned()),
        };
        let was_writable = is_writable.swap(error.is_none(), Ordering::Relaxed);
        if let Some(error) = error.filter(|_| was_writable) {
            tracing::error!(error, "database does not accept writes");
        }
        tokio::time::sleep(WRITE_PERIOD).await;
    }
}
