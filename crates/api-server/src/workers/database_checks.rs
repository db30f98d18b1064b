//! Asks the database every second whether it answers, so that `/health` and `/readyz` can say it without asking.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::Store;
use tokio::time::timeout;

use super::board::{Board, Outcome, Reading};
use crate::clock::Clock;
use crate::metrics::Heart;

/// Time between two checks.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// A stream that nobody reads: a check reads a table, and finds nothing in it.
const NO_STREAM: &str = "health";

/// Asks, for ever.
pub async fn run(store: Store, board: Arc<Board>, heart: Heart) {
    loop {
        check(&store, &board).await;
        heart.beat(Clock::System.now());
        tokio::time::sleep(PERIOD).await;
    }
}

async fn check(store: &Store, board: &Board) {
    let began_at = Instant::now();
    let failure = match timeout(CHECK_TIMEOUT, store.cursor(NO_STREAM)).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
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
