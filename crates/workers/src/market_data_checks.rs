//! Checks periodically whether the source of market data responds, so that requests to `/health` do not have to.

use std::sync::Arc;
use std::time::Duration;

use market_data::MarketData;
use tokio::time::{MissedTickBehavior, interval};

use crate::health::HealthRegistry;

/// Longest time for one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks at once and then every `period`; never returns.
pub async fn run(market_data: Arc<MarketData>, health: Arc<HealthRegistry>, period: Duration) {
    let Some(check) = health.market_data() else { return };
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        check.run(CHECK_TIMEOUT, async { Ok(market_data.probe().await?) }).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::health::{Importance, Outcome};

    #[tokio::test]
    async fn checks_run_at_once_and_end_at_shutdown() {
        let health = Arc::new(HealthRegistry::new("bundled sample"));
        let shutdown = CancellationToken::new();
        let market_data = Arc::new(MarketData::bundled());
        let period = Duration::from_secs(3600);
        let checks = run(market_data, Arc::clone(&health), period);
        let worker = tokio::spawn(shutdown.clone().run_until_cancelled_owned(checks));
        let outcome = || health.market_data().map(|check| check.result().outcome);
        while outcome() == Some(Outcome::Pending) {
            tokio::task::yield_now().await;
        }
        assert_eq!(outcome(), Some(Outcome::Ok));
        assert!(!health.is_down(Importance::Critical));
        shutdown.cancel();
        assert_eq!(worker.await.unwrap(), None);
    }
}
