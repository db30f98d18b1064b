//! Asks the source of market data now and then whether it answers, so that no request for `/health` has to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use market_data::MarketData;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::board::{Board, Outcome, Reading};
use crate::serve::Draining;

/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts checking, at once and then every `period`, until the service drains.
#[must_use]
pub fn spawn(
    market_data: Arc<MarketData>,
    board: Arc<Board>,
    period: Duration,
    draining: Draining,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = draining.begun() => return,
                _ = ticks.tick() => check(&market_data, &board).await,
            }
        }
    })
}

async fn check(market_data: &MarketData, board: &Board) {
    let Some(check) = board.source() else { return };
    let began_at = Instant::now();
    let failure = match timeout(CHECK_TIMEOUT, market_data.probe()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer in time".to_owned()),
    };
    let outcome = if failure.is_none() { Outcome::Ok } else { Outcome::Down };
    let latency = Some(began_at.elapsed());
    let before = check.note(Reading { outcome, checked_at: Some(Instant::now()), latency });
    // Only changes are told: a source that stays down would fill the log.
    match (failure, before.outcome) {
        (Some(failure), Outcome::Ok | Outcome::Pending | Outcome::NotConfigured | Outcome::Stale) => {
            tracing::warn!(check = check.name(), error = failure, "a dependency is down");
        }
        (None, Outcome::Down) => tracing::info!(check = check.name(), "a dependency is back"),
        (Some(_), Outcome::Down)
        | (None, Outcome::Ok | Outcome::Pending | Outcome::NotConfigured | Outcome::Stale) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::Importance;

    #[tokio::test]
    async fn checks_run_at_once_and_end_when_the_service_drains() {
        let board = Arc::new(Board::new("bundled sample"));
        let draining = Draining::default();
        let market_data = Arc::new(MarketData::bundled());
        let worker = spawn(market_data, Arc::clone(&board), Duration::from_secs(3600), draining.clone());
        while board.source().map(|check| check.reading().outcome) == Some(Outcome::Pending) {
            tokio::task::yield_now().await;
        }
        assert_eq!(board.source().map(|check| check.reading().outcome), Some(Outcome::Ok));
        assert!(!board.is_down(Importance::Critical));
        draining.begin();
        worker.await.unwrap();
    }
}
