//! The workers of this process and their heartbeats, for `/readyz`.
//!
//! Silence is measured with the monotonic clock, so that a change of the system time makes no worker unhealthy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;
use telemetry::Clock;
use tokio::time::{Instant, sleep_until};

/// Time between two heartbeats of a worker that rests.
const REST_PERIOD: Duration = Duration::from_secs(10);

/// The workers of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct WorkerRegistry(Arc<Mutex<Vec<Arc<Worker>>>>);

/// The heartbeat of one worker. Clones share it.
#[derive(Clone, Debug)]
pub struct Heartbeat(Arc<Worker>);

/// The longest silence of a worker, and the gauge of its heartbeat.
#[derive(Clone, Debug)]
pub struct HeartbeatConfig {
    /// Longest time between two heartbeats.
    pub silence_max: Duration,
    /// The time of the last heartbeat, in seconds since 1970.
    pub gauge: IntGauge,
    /// The clock of the gauge.
    pub clock: Clock,
}

#[derive(Debug)]
struct Worker {
    name: String,
    config: Option<HeartbeatConfig>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    last_beat: Instant,
    has_ended: bool,
}

/// A worker that ended or is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnhealthyWorker {
    /// Its name, such as `events/1`.
    pub worker: String,
    /// Why it counts as unhealthy.
    pub cause: Cause,
}

/// Why a worker counts as unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It ended without being stopped.
    Ended,
    /// It had no heartbeat for this long.
    Silent(Duration),
}

impl WorkerRegistry {
    /// Registers a worker. Without `config` it may be silent forever, and is unhealthy only when it ends.
    #[must_use]
    pub fn register(&self, worker: impl Into<String>, config: Option<HeartbeatConfig>) -> Heartbeat {
        let state = Mutex::new(State { last_beat: Instant::now(), has_ended: false });
        let worker = Arc::new(Worker { name: worker.into(), config, state });
        self.workers().push(Arc::clone(&worker));
        Heartbeat(worker)
    }

    /// The first unhealthy worker. Silence counts from `since`, when the outage that made all workers wait was over.
    #[must_use]
    pub fn unhealthy(&self, since: Instant) -> Option<UnhealthyWorker> {
        let now = Instant::now();
        self.workers().iter().find_map(|worker| {
            let cause = worker.cause(since, now)?;
            Some(UnhealthyWorker { worker: worker.name.clone(), cause })
        })
    }

    /// The first worker that ended.
    #[must_use]
    pub fn ended(&self) -> Option<UnhealthyWorker> {
        self.unhealthy(Instant::now())
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Arc<Worker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cause(&self, since: Instant, now: Instant) -> Option<Cause> {
        let State { last_beat, has_ended } = *self.state();
        if has_ended {
            return Some(Cause::Ended);
        }
        let silent = now.saturating_duration_since(last_beat.max(since));
        let silence_max = self.config.as_ref()?.silence_max;
        (silent > silence_max).then_some(Cause::Silent(silent))
    }
}

impl Heartbeat {
    /// The name of the worker.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.0.name
    }

    /// Records that the worker is alive.
    pub fn beat(&self) {
        self.0.state().last_beat = Instant::now();
        if let Some(config) = &self.0.config {
            config.gauge.set(config.clock.now().as_second());
        }
    }

    /// Sleeps with a heartbeat every 10 s.
    pub async fn rest(&self, time: Duration) {
        let ends_at = Instant::now() + time;
        loop {
            self.beat();
            let now = Instant::now();
            if now >= ends_at {
                return;
            }
            sleep_until(ends_at.min(now + REST_PERIOD)).await;
        }
    }

    /// Records that the worker ended.
    pub fn stop(&self) {
        self.0.state().has_ended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE_MAX: Duration = Duration::from_secs(60);

    fn config() -> HeartbeatConfig {
        let gauge = IntGauge::new("heartbeat", "of this test").unwrap();
        HeartbeatConfig { silence_max: SILENCE_MAX, gauge, clock: Clock::System }
    }

    #[tokio::test(start_paused = true)]
    async fn the_silent_worker_is_named_until_its_next_heartbeat() {
        let registry = WorkerRegistry::default();
        let first = registry.register("events/1", Some(config()));
        let second = registry.register("events/2", Some(config()));
        let started_at = Instant::now();
        tokio::time::advance(SILENCE_MAX).await;
        assert_eq!(registry.unhealthy(started_at), None, "the bound itself is allowed");
        first.beat();
        tokio::time::advance(Duration::from_secs(1)).await;
        let silent =
            UnhealthyWorker { worker: "events/2".into(), cause: Cause::Silent(Duration::from_secs(61)) };
        assert_eq!(registry.unhealthy(started_at), Some(silent));
        second.beat();
        assert_eq!(registry.unhealthy(started_at), None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_during_an_outage_that_made_all_workers_wait_does_not_count() {
        let registry = WorkerRegistry::default();
        let _worker = registry.register("events/1", Some(config()));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let back_at = Instant::now();
        assert!(registry.unhealthy(back_at - SILENCE_MAX).is_none() && registry.unhealthy(back_at).is_none());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(registry.unhealthy(back_at).is_some(), "it does not come back with the others");
    }

    #[tokio::test(start_paused = true)]
    async fn a_resting_worker_is_alive_and_a_waiting_one_is_unhealthy_only_when_it_ends() {
        let registry = WorkerRegistry::default();
        let resting = registry.register("business", Some(config()));
        let waiting = registry.register("streams", None);
        let started_at = Instant::now();
        let rest = tokio::spawn(async move { resting.rest(Duration::from_secs(3600)).await });
        tokio::time::sleep(Duration::from_secs(3000)).await;
        assert_eq!(registry.unhealthy(started_at), None);
        waiting.stop();
        let ended = UnhealthyWorker { worker: "streams".into(), cause: Cause::Ended };
        assert_eq!(registry.unhealthy(started_at), Some(ended));
        rest.abort();
    }
}
