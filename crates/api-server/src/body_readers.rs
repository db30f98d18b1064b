//! Bounds the bodies that are still arriving at webhook endpoints.
//!
//! Anyone can send the body of a delivery a byte at a time, and so use up the requests in flight. A provider's body arrives
//! within milliseconds. If too many bodies are waiting, the one that has waited longest is abandoned, instead of refusing the
//! next: slow senders displace slow senders.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected};
use tokio::sync::oneshot;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("reading the body failed")]
    Broken,
    /// Too many bodies were waiting, and this one waited longest.
    #[error("the body arrived too slowly")]
    Displaced,
}

#[derive(Debug)]
pub(crate) struct BodyReaders {
    max: usize,
    waiting: Mutex<Waiting>,
}

/// The channel that displaces each waiting body, in the order in which they started.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    displace: BTreeMap<u64, oneshot::Sender<()>>,
}

/// One waiting body; dropping it makes room.
struct Reader<'r> {
    readers: &'r BodyReaders,
    number: u64,
}

impl BodyReaders {
    /// Allows at least one waiting body.
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), waiting: Mutex::default() }
    }

    /// Reads a whole body. A layer around the handler bounds its size.
    pub(crate) async fn read(&self, body: Body) -> Result<Bytes, ReadError> {
        let mut collected = std::pin::pin!(body.collect());
        // Most bodies have arrived already.
        let first = std::future::poll_fn(|context| Poll::Ready(collected.as_mut().poll(context))).await;
        let collected = match first {
            Poll::Ready(collected) => collected,
            Poll::Pending => {
                let (_reader, displaced) = self.wait();
                tokio::select! {
                    biased;
                    collected = collected => collected,
                    _ = displaced => return Err(ReadError::Displaced),
                }
            }
        };
        collected.map(Collected::to_bytes).map_err(|_| ReadError::Broken)
    }

    fn wait(&self) -> (Reader<'_>, oneshot::Receiver<()>) {
        let (displace, displaced) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.displace.len() >= self.max
            && let Some((_, longest)) = waiting.displace.pop_first()
        {
            // It may have ended already.
            let _ended = longest.send(());
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.displace.insert(number, displace);
        (Reader { readers: self, number }, displaced)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.readers.waiting().displace.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn the_body_that_waits_longest_is_displaced_and_one_that_has_arrived_does_not_wait() {
        let readers = Arc::new(BodyReaders::new(2));
        let mut slow = Vec::new();
        for _ in 0..3 {
            let readers = Arc::clone(&readers);
            let body = Body::from_stream(stream::pending::<io::Result<Bytes>>());
            slow.push(tokio::spawn(async move { readers.read(body).await }));
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.remove(0).await.unwrap(), Err(ReadError::Displaced));
        assert_eq!(readers.waiting().displace.len(), 2);
        assert_eq!(readers.read(Body::from("here")).await.unwrap(), "here");
        assert!(slow.iter().all(|slow| !slow.is_finished()), "it displaces none");
        slow.remove(0).abort();
        tokio::task::yield_now().await;
        assert_eq!(readers.waiting().displace.len(), 1, "an aborted read makes room");
    }
}
