//! Asks the database every second whether it answers, and now and then whether it takes anything, so that `/health` and
//! `/readyz` can say it without asking. A full disk is read from as ever, and keeps no delivery.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use store::Store;
use tokio::time::timeout;

use super::board::{Board, Outcome, Reading};
use super::roster::Heart;
use crate::clock::Clock;
use crate::logs::with_causes;

/// Time between two checks.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// Time between two writes: each is a commit that waits for the disk.
const WRITE_PERIOD: Duration = Duration::from_secs(5);
/// Longest time for one write. It waits behind deliveries, which come first.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest silence of this worker: a check ends after [`CHECK_TIMEOUT`], whatever the database does, so this is twenty in a
/// row that did not.
pub const DATABASE_SILENCE_MAX: Duration = CHECK_TIMEOUT.saturating_mul(20);

/// A stream that nobody reads: a check reads a table, and finds nothing in it.
const NO_STREAM: &str = "health";
/// An office that everybody holds: a check writes its row.
const NO_OFFICE: &str = "health";
/// Who holds it.
const EVERYBODY: &str = "everybody";

/// Asks, for ever.
pub async fn run(store: Store, board: Arc<Board>, heart: Heart) {
    let takes = AtomicBool::new(true);
    tokio::join!(read(&store, &board, &heart, &takes), write(&store, &takes));
}

async fn read(store: &Store, board: &Board, heart: &Heart, takes: &AtomicBool) {
    loop {
        check(store, board, takes).await;
        heart.beat();
        tokio::time::sleep(PERIOD).await;
    }
}

async fn write(store: &Store, takes: &AtomicBool) {
    loop {
        let written = store.elect(NO_OFFICE, EVERYBODY, WRITE_PERIOD, Clock::System.now());
        let failure = match timeout(WRITE_TIMEOUT, written).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => Some("no answer in time".to_owned()),
        };
        let took = takes.swap(failure.is_none(), Ordering::Relaxed);
        if let Some(error) = failure.filter(|_| took) {
            tracing::error!(error, "the database takes nothing");
        }
        tokio::time::sleep(WRITE_PERIOD).await;
    }
}

async fn check(store: &Store, board: &Board, takes: &AtomicBool) {
    let began_at = Instant::now();
    let failure = match timeout(CHECK_TIMEOUT, store.cursor(NO_STREAM)).await {
        Ok(Ok(_)) if takes.load(Ordering::Relaxed) => None,
        Ok(Ok(_)) => Some("it takes nothing".to_owned()),
        Ok(Err(error)) => Some(with_causes(&error)),
        Err(_) => Some("no answer in time".to_owned()),
    };
    let outcome = if failure.is_none() { Outcome::Ok } else { Outcome::Down };
    let reading = Reading { outcome, checked_at: Some(Instant::now()), latency: Some(began_at.elapsed()) };
    let before = board.database().note(reading);
    // Only changes are told: a database that stays away would fill the log.
    match failure {
        Some(error) if before.outcome != Outcome::Down => tracing::error!(error, "the database is down"),
        None if before.outcome == Outcome::Down => tracing::info!("the database is back"),
        Some(_) | None => {}
    }
}
