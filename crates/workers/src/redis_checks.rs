//! Notes for `/health` whether Redis answers, which its client checks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::health::{CheckResult, HealthRegistry, Outcome};

const PERIOD: Duration = Duration::from_secs(1);

/// Never returns. Without Redis the service works, and is degraded.
pub async fn run(is_away: impl Fn() -> bool, health: Arc<HealthRegistry>) {
    health.redis().record(CheckResult { outcome: Outcome::Pending, checked_at: None, latency: None });
    loop {
        tokio::time::sleep(PERIOD).await;
        let outcome = if is_away() { Outcome::Down } else { Outcome::Ok };
        health.redis().record(CheckResult { outcome, checked_at: Some(Instant::now()), latency: None });
    }
}
