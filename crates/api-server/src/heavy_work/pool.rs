//! The threads that compute. They have a lower priority than those that serve connections.

use std::io;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Added to the niceness of the threads: a waiting connection is served first.
const NICENESS: i32 = 10;

/// A runtime of its own; dropping it waits for nothing.
#[derive(Debug)]
pub(super) struct Pool {
    runtime: Option<Runtime>,
    threads: usize,
}

impl Pool {
    /// One thread for each core.
    pub(super) fn start() -> io::Result<Self> {
        let threads = available_parallelism()?.get();
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name("compute").on_thread_start(|| {
            // The niceness of a thread, on Linux. Without it the pool works as well, only with the same priority.
            let _unsupported = rustix::process::nice(NICENESS);
        });
        Ok(Self { runtime: Some(builder.build()?), threads })
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// A panic of `work` is continued here.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let runtime = self.runtime.as_ref().expect("only drop takes the runtime");
        // Work that has not begun ends with its request.
        let mut task = AbortOnDrop(runtime.spawn(async { work() }));
        match (&mut task.0).await {
            Ok(value) => value,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // An async context must not wait for threads.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
