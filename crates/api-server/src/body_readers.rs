//! Bounds the bodies that are still arriving at webhook endpoints.
//!
//! Anyone may start a delivery and send its body a byte at a time, and so keep one of the requests in flight busy. A
//! provider's body arrives within milliseconds. When too many are waiting, the one that has waited longest is therefore
//! abandoned, not the next one refused: slow senders displace slow senders.

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
    #[error("the body cannot be read")]
    Broken,
    /// It took long, and others waited.
    #[error("the body arrived too slowly")]
    Displaced,
}

#[derive(Debug)]
pub(crate) struct BodyReaders {
    max: usize,
    waiting: Mutex<Waiting>,
}

/// Each with the channel that displaces it, in the order in which they started.
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
    /// At least one may wait.
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), waiting: Mutex::default() }
    }

    /// Reads a whole body; a layer around this bounds its size.
    pub(crate) async fn read(&self, body: Body) -> Result<Bytes, ReadError> {
        let mut collected = std::pin::pin!(body.collect());
        // Most have arrived already and do not wait.
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
            // It may have ended by itself.
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
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Context;

    use http_body::Frame;

    use super::*;

    /// A body that never arrives.
    struct Silent;

    impl http_body::Body for Silent {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn the_body_that_waits_longest_is_displaced_and_one_that_has_arrived_does_not_wait() {
        let readers = Arc::new(BodyReaders::new(2));
        let mut slow = Vec::new();
        for _ in 0..3 {
            let readers = Arc::clone(&readers);
            slow.push(tokio::spawn(async move { readers.read(Body::new(Silent)).await }));
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.remove(0).await.unwrap(), Err(ReadError::Displaced));
        assert_eq!(readers.waiting().displace.len(), 2);
        assert_eq!(readers.read(Body::from("here")).await.unwrap(), "here");
        assert!(slow.iter().all(|slow| !slow.is_finished()), "it displaced none");
        slow.remove(0).abort();
        tokio::task::yield_now().await;
        assert_eq!(readers.waiting().displace.len(), 1, "an aborted read makes room");
    }
}
