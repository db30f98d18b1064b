//! Workers that run until they are told to stop, and are waited for then.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::roster::{Heart, Pulse, Roster};
use crate::metrics::Metrics;
use crate::serve::Draining;

/// Longest wait for workers to finish what they have begun. What they leave is taken up again by whoever starts next.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause before a worker that panicked begins anew.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// Workers that were started together.
#[derive(Debug)]
pub struct Crew {
    tasks: JoinSet<()>,
    stopping: Draining,
    roster: Roster,
    metrics: Arc<Metrics>,
}

impl Crew {
    /// Nobody yet; who is taken on stands in the roster.
    #[must_use]
    pub fn new(roster: Roster, metrics: Arc<Metrics>) -> Self {
        Self { tasks: JoinSet::new(), stopping: Draining::default(), roster, metrics }
    }

    /// What tells the workers to stop.
    #[must_use]
    pub fn stopping(&self) -> Draining {
        self.stopping.clone()
    }

    /// Takes on a worker that beats, and is missed when it has been silent for longer than `silence_max`.
    #[must_use]
    pub fn hire(&self, worker: impl Into<String>, silence_max: Duration) -> Heart {
        let worker = worker.into();
        let shown = self.metrics.workers.beats(&worker);
        self.roster.hire(worker, Some(Pulse { silence_max, shown }))
    }

    /// Takes on a worker that may wait for ever for something from outside, and is missed only when it ends.
    #[must_use]
    pub fn hire_waiting(&self, worker: impl Into<String>) -> Heart {
        self.roster.hire(worker, None)
    }

    /// Starts a worker; `work` ends when [`stopping`](Self::stopping) has begun. One that panics begins anew; one that
    /// ends before its time is missed.
    pub fn start<F>(&mut self, heart: &Heart, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stopping, panics) = (self.stopping(), self.metrics.workers.panics.clone());
        let heart = heart.clone();
        self.tasks.spawn(async move {
            while tokio::spawn(work()).await.is_err_and(|error| error.is_panic()) {
                panics.inc();
                tracing::error!(worker = heart.worker(), "a worker panicked and begins anew");
                tokio::select! {
                    () = stopping.begun() => return,
                    () = tokio::time::sleep(PANIC_PAUSE) => {}
                }
            }
            if !stopping.has_begun() {
                heart.stop();
                tracing::error!(worker = heart.worker(), "a worker ended though nobody told it to");
            }
        });
    }

    /// Starts endless work that may be dropped at any point.
    pub fn start_endless<F>(&mut self, heart: &Heart, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping();
        self.start(heart, move || {
            let (stopping, work) = (stopping.clone(), work());
            async move {
                tokio::select! {
                    () = stopping.begun() => {}
                    () = work => {}
                }
            }
        });
    }

    /// Tells all workers to stop and waits for them.
    pub async fn stop(mut self) {
        self.stopping.begin();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            tracing::error!(workers = self.tasks.len(), "workers did not stop in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;
    use crate::workers::Sign;

    const SILENCE_MAX: Duration = Duration::from_secs(60);

    fn crew() -> (Crew, Roster, Arc<Metrics>) {
        let (roster, metrics) = (Roster::default(), Arc::new(Metrics::new([]).unwrap()));
        (Crew::new(roster.clone(), Arc::clone(&metrics)), roster, metrics)
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_begins_anew_and_stopping_waits_for_it() {
        let (mut crew, roster, metrics) = crew();
        let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stopping = crew.stopping();
        let (counted, finished) = (Arc::clone(&begun), Arc::clone(&done));
        crew.start(&crew.hire_waiting("test"), move || {
            let (stopping, begun, done) = (stopping.clone(), Arc::clone(&counted), Arc::clone(&finished));
            async move {
                assert!(begun.fetch_add(1, Ordering::Relaxed) > 0, "the first time it panics");
                stopping.begun().await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::time::sleep(2 * PANIC_PAUSE).await;
        assert_eq!((begun.load(Ordering::Relaxed), metrics.workers.panics.get()), (2, 1));
        crew.stop().await;
        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert_eq!(roster.fallen(Instant::now()), None, "who ends when told to is not missed");
    }

    #[tokio::test(start_paused = true)]
    async fn who_hangs_panics_for_ever_or_ends_too_soon_is_missed() {
        async fn hangs() {
            std::future::pending::<()>().await;
        }
        async fn panics() {
            panic!("each time it begins");
        }
        async fn ends() {}
        let begun_at = Instant::now();
        let sign = |roster: &Roster| roster.fallen(begun_at).map(|fallen| fallen.sign);
        for number in 0..3 {
            let (mut crew, roster, _metrics) = crew();
            let heart = crew.hire("test", SILENCE_MAX);
            match number {
                0 => crew.start_endless(&heart, hangs),
                1 => crew.start_endless(&heart, panics),
                _ => crew.start_endless(&heart, ends),
            }
            tokio::time::sleep(SILENCE_MAX / 2).await;
            assert_eq!(sign(&roster), (number == 2).then_some(Sign::Ended), "{number}");
            tokio::time::sleep(SILENCE_MAX).await;
            assert!(sign(&roster).is_some(), "{number}");
        }
    }
}
