//! Checks twice a second whether the database responds and is still the one that was opened, and every five seconds whether it
//! accepts writes, for `/health` and `/readyz`. If the disk is full, reads still work but no delivery can be stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::Store;
use telemetry::metrics::Metrics;
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
/// The same with a standby, which shows by the writes how far it is behind.
const STANDBY_WRITE_PERIOD: Duration = Duration::from_secs(1);
/// Longest time for one write; deliveries are written first.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time without a heartbeat: twenty checks, each of which takes at most [`CHECK_TIMEOUT`].
pub const DATABASE_SILENCE_MAX: Duration = CHECK_TIMEOUT.saturating_mul(20);

/// Runs the checks; never returns.
pub async fn run(
    store: Store,
    health: Arc<HealthRegistry>,
    metrics: Arc<Metrics>,
    clock: Clock,
    heartbeat: Heartbeat,
) {
    let is_writable = AtomicBool::new(true);
    tokio::join!(
        check_reads(&store, &health, &heartbeat, &is_writable),
        check_writes(&store, clock, &is_writable),
        check_standby(&store, &metrics, clock)
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

/// Checks how far the standby is behind.
async fn check_standby(store: &Store, metrics: &Metrics, clock: Clock) {
    if !store.has_standby() {
        return std::future::pending().await;
    }
    let mut was_read = true;
    loop {
        let checked = store.check_standby(clock.now()).await;
        let is_read = store.on_standby(clock.now()).is_some();
        metrics.standby_up.set(i64::from(is_read));
        if let Ok(Some(behind)) = &checked {
            metrics.standby_behind_s.set(behind.as_secs_f64());
        }
        match (was_read, is_read) {
            (true, false) => {
                let error = checked.err().map(|error| with_causes(&error));
                tracing::warn!(
                    error,
                    "books are read from the primary: the standby is down, or too far behind"
                );
            }
            (false, true) => tracing::info!("books are read from the standby again"),
            (true, true) | (false, false) => {}
        }
        was_read = is_read;
        tokio::time::sleep(PERIOD).await;
    }
}

async fn check_writes(store: &Store, clock: Clock, is_writable: &AtomicBool) {
    let period = if store.has_standby() { STANDBY_WRITE_PERIOD } else { WRITE_PERIOD };
    loop {
        let error = match timeout(WRITE_TIMEOUT, store.write_heartbeat(clock.now())).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => Some("timed out".to_owned()),
        };
        let was_writable = is_writable.swap(error.is_none(), Ordering::Relaxed);
        if let Some(error) = error.filter(|_| was_writable) {
            tracing::error!(error, "database does not accept writes");
        }
        tokio::time::sleep(period).await;
    }
}
