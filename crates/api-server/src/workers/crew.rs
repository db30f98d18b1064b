//! Workers that run until they are told to stop, and are waited for then.

use std::time::Duration;

use prometheus::IntCounter;
use tokio::task::JoinSet;

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
    panics: IntCounter,
}

impl Crew {
    /// Nobody yet; `panics` counts workers that panicked.
    #[must_use]
    pub fn new(panics: IntCounter) -> Self {
        Self { tasks: JoinSet::new(), stopping: Draining::default(), panics }
    }

    /// What tells the workers to stop.
    #[must_use]
    pub fn stopping(&self) -> Draining {
        self.stopping.clone()
    }

    /// Starts a worker; `work` ends when [`stopping`](Self::stopping) has begun. One that panics begins anew.
    pub fn start<F>(&mut self, name: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stopping, panics) = (self.stopping(), self.panics.clone());
        self.tasks.spawn(async move {
            while tokio::spawn(work()).await.is_err_and(|error| error.is_panic()) {
                panics.inc();
                tracing::error!(worker = name, "a worker panicked and begins anew");
                tokio::select! {
                    () = stopping.begun() => return,
                    () = tokio::time::sleep(PANIC_PAUSE) => {}
                }
            }
        });
    }

    /// Starts endless work that may be dropped at any point.
    pub fn start_endless<F>(&mut self, name: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping();
        self.start(name, move || {
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_begins_anew_and_stopping_waits_for_it() {
        let panics = IntCounter::new("panics", "of this test").unwrap();
        let mut crew = Crew::new(panics.clone());
        let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stopping = crew.stopping();
        let (counted, finished) = (Arc::clone(&begun), Arc::clone(&done));
        crew.start("test", move || {
            let (stopping, begun, done) = (stopping.clone(), Arc::clone(&counted), Arc::clone(&finished));
            async move {
                assert!(begun.fetch_add(1, Ordering::Relaxed) > 0, "the first time it panics");
                stopping.begun().await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::time::sleep(2 * PANIC_PAUSE).await;
        assert_eq!((begun.load(Ordering::Relaxed), panics.get()), (2, 1));
        crew.stop().await;
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }
}
