//! Runs the streams of HTTP/2 connections, so that one whose client reads nothing can be ended alone.

use std::sync::Arc;

use tokio::sync::Notify;

tokio::task_local! {
    static END: Arc<Notify>;
}

/// Spawns each stream as a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamExecutor;

/// Ends the stream that this task handles; `None` over HTTP/1.
pub(super) fn end_of_stream() -> Option<Arc<Notify>> {
    END.try_with(Arc::clone).ok()
}

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let end = Arc::new(Notify::new());
        tokio::spawn(END.scope(Arc::clone(&end), async move {
            tokio::select! {
                biased;
                _ = stream => {}
                // The peer gets a reset, because the stream is dropped before its end.
                () = end.notified() => {}
            }
        }));
    }
}
