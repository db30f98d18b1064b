//! Checks every second whether the database responds, and every five whether it accepts writes, for `/health` and `/readyz`:
//! with a full disk reads still work, and no delivery can be stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use store::Store;
use telemetry::{Clock, with_causes};
use tokio::time::timeout;

use crate::health::{CheckResult, HealthRegistry, Outcome};
use crate::registry::Heartbeat;

/// Time between two checks.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// Time between two writes: each is a commit that waits for the disk.
const WRITE_PERIOD: Duration = Duration::from_secs(5);
/// Longest time for one write. It waits behind deliveries, which come first.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time without a heartbeat: twenty checks, each of which ends after [`CHECK_TIMEOUT`] whatever the database does.
pub const DATABASE_SILENCE_MAX: Duration = CHECK_TIMEOUT.saturating_mul(20);

/// A stream without a cursor: a check looks for its row.
const STREAM: &str = "health";
/// A lease that all processes share: a check writes its row.
const LEASE: &str = "health";
const LEASE_OWNER: &str = "all";

/// Checks forever.
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
        check(store, health, is_writable).await;
        heartbeat.beat();
        tokio::time::sleep(PERIOD).await;
    }
}

async fn check_writes(store: &Store, clock: Clock, is_writable: &AtomicBool) {
    loop {
        let write = store.acquire_leader_lease(LEASE, LEASE_OWNER, WRITE_PERIOD, clock.now());
        let failure = match timeout(WRITE_TIMEOUT, write).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => Some("timed out".to_owned()),
        };
        let was_writable = is_writable.swap(failure.is_none(), Ordering::Relaxed);
        if let Some(error) = failure.filter(|_| was_writable) {
            tracing::error!(error, "database does not accept writes");
        }
        tokio::time::sleep(WRITE_PERIOD).await;
    }
}

async fn check(store: &Store, health: &HealthRegistry, is_writable: &AtomicBool) {
    let started_at = Instant::now();
    let failure = match timeout(CHECK_TIMEOUT, store.cursor(STREAM)).await {
        Ok(Ok(_)) if is_writable.load(Ordering::Relaxed) => None,
        Ok(Ok(_)) => Some("it does not accept writes".to_owned()),
        Ok(Err(error)) => Some(with_causes(&error)),
        Err(_) => Some("timed out".to_owned()),
    };
    let outcome = if failure.is_none() { Outcome::Ok } else { Outcome::Down };
    let result =
        CheckResult { outcome, checked_at: Some(Instant::now()), latency: Some(started_at.elapsed()) };
    let before = health.database().record(result);
    // Only changes are logged: a database that stays down would fill the log.
    match failure {
        Some(error) if before.outcome != Outcome::Down => tracing::error!(error, "database is down"),
        None if before.outcome == Outcome::Down => tracing::info!("database recovered"),
        Some(_) | None => {}
    }
}
