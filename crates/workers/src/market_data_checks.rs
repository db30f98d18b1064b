//! Checks periodically whether the source of market data responds, so that no request to `/health` has to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use market_data::MarketData;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::ShutdownSignal;
use crate::health::{CheckResult, HealthRegistry, Outcome};

/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks at once and then every `period`, until `shutdown`.
pub async fn run(
    market_data: Arc<MarketData>,
    health: Arc<HealthRegistry>,
    period: Duration,
    shutdown: ShutdownSignal,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            _ = ticks.tick() => check(&market_data, &health).await,
        }
    }
}

async fn check(market_data: &MarketData, health: &HealthRegistry) {
    let Some(check) = health.market_data() else { return };
    let started_at = Instant::now();
    let failure = match timeout(CHECK_TIMEOUT, market_data.probe()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("timed out".to_owned()),
    };
    let outcome = if failure.is_none() { Outcome::Ok } else { Outcome::Down };
    let latency = Some(started_at.elapsed());
    let before = check.record(CheckResult { outcome, checked_at: Some(Instant::now()), latency });
    // Only changes are logged: a source that stays down would fill the log.
    match (failure, before.outcome) {
        (Some(failure), Outcome::Ok | Outcome::Pending | Outcome::NotConfigured | Outcome::Stale) => {
            tracing::warn!(check = check.name(), error = failure, "dependency is down");
        }
        (None, Outcome::Down) => tracing::info!(check = check.name(), "dependency recovered"),
        (Some(_), Outcome::Down)
        | (None, Outcome::Ok | Outcome::Pending | Outcome::NotConfigured | Outcome::Stale) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Importance;

    #[tokio::test]
    async fn checks_run_at_once_and_end_at_shutdown() {
        let health = Arc::new(HealthRegistry::new("bundled sample"));
        let shutdown = ShutdownSignal::default();
        let market_data = Arc::new(MarketData::bundled());
        let period = Duration::from_secs(3600);
        let worker = tokio::spawn(run(market_data, Arc::clone(&health), period, shutdown.clone()));
        let outcome = || health.market_data().map(|check| check.result().outcome);
        while outcome() == Some(Outcome::Pending) {
            tokio::task::yield_now().await;
        }
        assert_eq!(outcome(), Some(Outcome::Ok));
        assert!(!health.is_down(Importance::Critical));
        shutdown.set();
        worker.await.unwrap();
    }
}
