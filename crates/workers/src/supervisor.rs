//! Runs workers until shutdown, and then waits for them.

use std::sync::Arc;
use std::time::Duration;

use telemetry::Clock;
use telemetry::metrics::Metrics;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::registry::{Heartbeat, HeartbeatConfig, WorkerRegistry};

/// Longest wait for workers to finish at shutdown. The next process does the rest.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause before a worker that panicked is restarted.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// Workers that were started together.
#[derive(Debug)]
pub struct WorkerSupervisor {
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
    registry: WorkerRegistry,
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl WorkerSupervisor {
    /// A supervisor without workers, which are registered in `registry`.
    #[must_use]
    pub fn new(registry: WorkerRegistry, metrics: Arc<Metrics>, clock: Clock) -> Self {
        Self { tasks: JoinSet::new(), shutdown: CancellationToken::default(), registry, metrics, clock }
    }

    /// The signal that stops the workers.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Registers a worker that is unhealthy after `silence_max` without a heartbeat.
    #[must_use]
    pub fn register(&self, worker: impl Into<String>, silence_max: Duration) -> Heartbeat {
        let worker = worker.into();
        let gauge = self.metrics.workers.heartbeat(&worker);
        self.registry.register(worker, Some(HeartbeatConfig { silence_max, gauge, clock: self.clock }))
    }

    /// Registers a worker that may wait forever, such as for a stream. It is unhealthy only when it ends.
    #[must_use]
    pub fn register_waiting(&self, worker: impl Into<String>) -> Heartbeat {
        self.registry.register(worker, None)
    }

    /// Starts a worker whose `work` ends after [`shutdown`](Self::shutdown). If it panics it is restarted; if it ends early the
    /// worker is unhealthy.
    pub fn start<F>(&mut self, heartbeat: Heartbeat, work: impl Fn(Heartbeat) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (shutdown, panics) = (self.shutdown(), self.metrics.workers.panics.clone());
        self.tasks.spawn(async move {
            while tokio::spawn(work(heartbeat.clone())).await.is_err_and(|error| error.is_panic()) {
                panics.inc();
                tracing::error!(worker = heartbeat.worker(), "worker panicked; restarting");
                if shutdown.run_until_cancelled(tokio::time::sleep(PANIC_PAUSE)).await.is_none() {
                    return;
                }
            }
            if !shutdown.is_cancelled() {
                heartbeat.stop();
                tracing::error!(worker = heartbeat.worker(), "worker ended unexpectedly");
            }
        });
    }

    /// Starts work that never ends and may be dropped at any point.
    pub fn start_endless<F>(&mut self, heartbeat: Heartbeat, work: impl Fn(Heartbeat) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.shutdown();
        self.start(heartbeat, move |heartbeat| {
            let work = shutdown.clone().run_until_cancelled_owned(work(heartbeat));
            async move {
                work.await;
            }
        });
    }

    /// Stops all workers and waits for them.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            tracing::error!(workers = self.tasks.len(), "workers did not stop in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use telemetry::metrics::Labels;
    use tokio::time::Instant;

    use super::*;
    use crate::registry::Cause;

    const SILENCE_MAX: Duration = Duration::from_secs(60);

    fn supervisor() -> (WorkerSupervisor, WorkerRegistry, Arc<Metrics>) {
        let registry = WorkerRegistry::default();
        let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
        (WorkerSupervisor::new(registry.clone(), Arc::clone(&metrics), Clock::System), registry, metrics)
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_is_restarted_and_stopping_waits_for_it() {
        let (mut supervisor, registry, metrics) = supervisor();
        let (starts, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let shutdown = supervisor.shutdown();
        let (started, ended) = (Arc::clone(&starts), Arc::clone(&ends));
        supervisor.start(supervisor.register_waiting("test"), move |_| {
            let (shutdown, started, ended) = (shutdown.clone(), Arc::clone(&started), Arc::clone(&ended));
            async move {
                assert!(started.fetch_add(1, Ordering::Relaxed) > 0, "the first time it panics");
                shutdown.cancelled().await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                ended.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::time::sleep(2 * PANIC_PAUSE).await;
        assert_eq!((starts.load(Ordering::Relaxed), metrics.workers.panics.get()), (2, 1));
        supervisor.stop().await;
        assert_eq!(ends.load(Ordering::Relaxed), 1);
        assert_eq!(registry.unhealthy(Instant::now()), None, "a worker that was stopped is not missed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_hangs_keeps_panicking_or_ends_early_is_unhealthy() {
        async fn hangs(_: Heartbeat) {
            std::future::pending::<()>().await;
        }
        async fn panics(_: Heartbeat) {
            panic!("each time it starts");
        }
        async fn ends(_: Heartbeat) {}
        let started_at = Instant::now();
        let cause =
            |registry: &WorkerRegistry| registry.unhealthy(started_at).map(|unhealthy| unhealthy.cause);
        for number in 0..3 {
            let (mut supervisor, registry, _metrics) = supervisor();
            let heartbeat = supervisor.register("test", SILENCE_MAX);
            match number {
                0 => supervisor.start_endless(heartbeat, hangs),
                1 => supervisor.start_endless(heartbeat, panics),
                _ => supervisor.start_endless(heartbeat, ends),
            }
            tokio::time::sleep(SILENCE_MAX / 2).await;
            assert_eq!(cause(&registry), (number == 2).then_some(Cause::Ended), "{number}");
            tokio::time::sleep(SILENCE_MAX).await;
            assert!(cause(&registry).is_some(), "{number}");
        }
    }
}
