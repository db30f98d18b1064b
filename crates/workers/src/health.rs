//! The last result of each background check, for `/health`.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use telemetry::with_causes;
use tokio::time::timeout;

use crate::registry::{UnhealthyWorker, WorkerRegistry};

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// The dependency is not in use.
    NotConfigured,
    /// Not checked yet.
    Pending,
    /// The dependency responded.
    Ok,
    /// The dependency is up, but its data is older than allowed.
    Stale,
    /// The dependency did not respond.
    Down,
}

/// Whether the service works without a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// The service cannot work without it.
    Critical,
    /// The service can work without it.
    Optional,
}

/// The last result of a check.
#[derive(Clone, Copy, Debug)]
pub struct CheckResult {
    /// Whether the dependency is up.
    pub outcome: Outcome,
    /// When the check ended; `None` before the first.
    pub checked_at: Option<Instant>,
    /// Duration of the check; `None` for a check without a request.
    pub latency: Option<Duration>,
}

/// The check of one dependency.
#[derive(Debug)]
pub struct Check {
    name: &'static str,
    importance: Importance,
    result: Mutex<CheckResult>,
    /// When the outcome last changed.
    unchanged_since: Mutex<tokio::time::Instant>,
}

/// Every check and every worker, and when the process started.
#[derive(Debug)]
pub struct HealthRegistry {
    checks: [Check; 7],
    database_fault: OnceLock<&'static str>,
    workers: WorkerRegistry,
    started_at: Instant,
}

impl Outcome {
    /// The word that `/health` uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Check {
    fn new(name: &'static str, importance: Importance, outcome: Outcome) -> Self {
        let result = CheckResult { outcome, checked_at: None, latency: None };
        Self {
            name,
            importance,
            result: Mutex::new(result),
            unchanged_since: Mutex::new(tokio::time::Instant::now()),
        }
    }

    /// The key in `/health`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The last result.
    #[must_use]
    pub fn result(&self) -> CheckResult {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a result and returns the one before it.
    pub(crate) fn record(&self, result: CheckResult) -> CheckResult {
        let mut current = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        if current.outcome != result.outcome {
            *self.unchanged_since.lock().unwrap_or_else(PoisonError::into_inner) =
                tokio::time::Instant::now();
        }
        std::mem::replace(&mut current, result)
    }

    /// Runs a check of at most `limit`, records its result, and logs it if the dependency went down or recovered.
    pub(crate) async fn run(
        &self,
        limit: Duration,
        check: impl Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>>,
    ) {
        let started_at = Instant::now();
        let error = match timeout(limit, check).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(with_causes(&*error)),
            Err(_) => Some("timed out".to_owned()),
        };
        let outcome = if error.is_none() { Outcome::Ok } else { Outcome::Down };
        let (checked_at, latency) = (Some(Instant::now()), Some(started_at.elapsed()));
        let before = self.record(CheckResult { outcome, checked_at, latency });
        match error {
            Some(error) if before.outcome != Outcome::Down => {
                tracing::error!(check = self.name, error, "dependency is down");
            }
            None if before.outcome == Outcome::Down => {
                tracing::info!(check = self.name, "dependency recovered");
            }
            Some(_) | None => {}
        }
    }
}

impl HealthRegistry {
    /// The checks of a service with this source of market data.
    #[must_use]
    pub fn new(data_source: &str) -> Self {
        let is_vendor = data_source == "polygon";
        let pending_if = |is_used| if is_used { Outcome::Pending } else { Outcome::NotConfigured };
        let checks = [
            Check::new("market_data", Importance::Critical, pending_if(!is_vendor)),
            Check::new("polygon", Importance::Critical, pending_if(is_vendor)),
            Check::new("database", Importance::Critical, Outcome::Pending),
            Check::new("redis", Importance::Optional, Outcome::NotConfigured),
            Check::new("alpaca", Importance::Optional, Outcome::NotConfigured),
            Check::new("ml_service", Importance::Optional, Outcome::NotConfigured),
            Check::new("secrets", Importance::Critical, Outcome::NotConfigured),
        ];
        Self {
            checks,
            database_fault: OnceLock::new(),
            workers: WorkerRegistry::default(),
            started_at: Instant::now(),
        }
    }

    /// Every check.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of the source of market data in use.
    pub(crate) fn market_data(&self) -> Option<&Check> {
        self.checks.iter().take(2).find(|check| check.result().outcome != Outcome::NotConfigured)
    }

    /// The check of the database.
    #[must_use]
    pub fn database(&self) -> &Check {
        let [_, _, database, ..] = &self.checks;
        database
    }

    /// Why the database must not be used until the server is restarted, for clients.
    #[must_use]
    pub fn database_fault(&self) -> Option<&'static str> {
        self.database_fault.get().copied()
    }

    pub(crate) fn set_database_fault(&self, fault: &'static str) {
        self.database_fault.get_or_init(|| fault);
    }

    /// The check of Redis.
    pub(crate) fn redis(&self) -> &Check {
        let [_, _, _, redis, ..] = &self.checks;
        redis
    }

    /// The check of the broker.
    #[must_use]
    pub fn alpaca(&self) -> &Check {
        let [_, _, _, _, alpaca, ..] = &self.checks;
        alpaca
    }

    /// The check of the secrets in use.
    #[must_use]
    pub fn secrets(&self) -> &Check {
        let [.., secrets] = &self.checks;
        secrets
    }

    /// The workers of this process.
    #[must_use]
    pub fn workers(&self) -> &WorkerRegistry {
        &self.workers
    }

    /// An unhealthy worker. All workers wait while the database is down, so silence counts from its recovery.
    #[must_use]
    pub fn unhealthy_worker(&self) -> Option<UnhealthyWorker> {
        let database = self.database();
        let since = *database.unchanged_since.lock().unwrap_or_else(PoisonError::into_inner);
        match database.result().outcome {
            Outcome::Down => self.workers.ended(),
            Outcome::NotConfigured | Outcome::Pending | Outcome::Ok | Outcome::Stale => {
                self.workers.unhealthy(since)
            }
        }
    }

    /// How long the process has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// Whether something optional is down, something is stale, or a worker is unhealthy.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        let is_stale = self.checks.iter().any(|check| check.result().outcome == Outcome::Stale);
        is_stale || self.is_down(Importance::Optional) || self.unhealthy_worker().is_some()
    }

    /// Whether a check of this importance is down.
    #[must_use]
    pub fn is_down(&self, importance: Importance) -> bool {
        let checks = self.checks.iter().filter(|check| check.importance == importance);
        checks.map(Check::result).any(|result| result.outcome == Outcome::Down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::HeartbeatConfig;

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_the_database_makes_no_worker_unhealthy_and_its_end_hides_none() {
        let health = HealthRegistry::new("bundled sample");
        let silence_max = Duration::from_secs(60);
        let gauge = prometheus::IntGauge::new("heartbeat", "of this test").unwrap();
        let config = HeartbeatConfig { silence_max, gauge, clock: telemetry::Clock::System };
        let heartbeat = health.workers().register("events/1", Some(config));
        let record = |outcome| {
            health.database().record(CheckResult {
                outcome,
                checked_at: Some(Instant::now()),
                latency: None,
            });
        };
        let sleep = tokio::time::sleep;
        record(Outcome::Ok);
        sleep(silence_max / 2).await;
        record(Outcome::Down);
        sleep(silence_max * 10).await;
        assert_eq!(health.unhealthy_worker(), None, "all wait for the database");
        record(Outcome::Ok);
        sleep(silence_max).await;
        record(Outcome::Ok);
        assert_eq!(health.unhealthy_worker(), None, "the time starts again");
        sleep(Duration::from_secs(1)).await;
        assert!(health.unhealthy_worker().is_some() && health.is_degraded());
        heartbeat.beat();
        assert!(health.unhealthy_worker().is_none() && !health.is_degraded());
        record(Outcome::Down);
        heartbeat.stop();
        assert!(health.unhealthy_worker().is_some(), "an ended worker does not wait");
    }

    #[test]
    fn exactly_one_source_is_checked() {
        for (data_source, expected) in
            [("bundled sample", "market_data"), ("csv directory", "market_data"), ("polygon", "polygon")]
        {
            let health = HealthRegistry::new(data_source);
            assert_eq!(health.market_data().map(Check::name), Some(expected), "{data_source}");
            assert!(!health.is_down(Importance::Critical));
        }
    }
}
