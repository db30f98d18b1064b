//! Bodies that are still on their way, and who gives way when there are too many.
//!
//! Anyone may begin a delivery, send its body a byte at a time and so hold a place among the requests in flight. A
//! provider's body is here within milliseconds. So it is not the next one that is turned away when many wait, but the one
//! that has waited longest: whoever is slow on purpose displaces others who are.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected};
use tokio::sync::oneshot;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It broke off, or was not framed as HTTP says.
    #[error("the body cannot be read")]
    Broken,
    /// It took long, and others wait.
    #[error("the body came too slowly")]
    GaveWay,
}

/// Bodies that are still on their way.
#[derive(Debug)]
pub struct Readers {
    max: usize,
    waiting: Mutex<Waiting>,
}

/// Each with what tells it to give way, in the order in which they came.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    places: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place, which is free again when it is dropped.
struct Place<'r> {
    readers: &'r Readers,
    number: u64,
}

impl Readers {
    /// At most so many at once, and at least one.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max: max.max(1), waiting: Mutex::default() }
    }

    /// All of a body; a layer around this bounds it.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn read(&self, body: Body) -> Result<Bytes, Unread> {
        let mut collected = std::pin::pin!(body.collect());
        // Most are here already, and need no place.
        let at_once = std::future::poll_fn(|context| Poll::Ready(collected.as_mut().poll(context))).await;
        let collected = match at_once {
            Poll::Ready(collected) => collected,
            Poll::Pending => {
                let (_place, told) = self.enter();
                tokio::select! {
                    biased;
                    collected = collected => collected,
                    _ = told => return Err(Unread::GaveWay),
                }
            }
        };
        collected.map(Collected::to_bytes).map_err(|_| Unread::Broken)
    }

    fn enter(&self) -> (Place<'_>, oneshot::Receiver<()>) {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.places.len() >= self.max
            && let Some((_, longest)) = waiting.places.pop_first()
        {
            // It may have gone by itself.
            let _gone = longest.send(());
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.places.insert(number, tell);
        (Place { readers: self, number }, told)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.readers.waiting().places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Context;

    use http_body::Frame;

    use super::*;

    /// A body of which nothing comes.
    struct Nothing;

    impl http_body::Body for Nothing {
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
    async fn who_waits_longest_gives_way_and_a_body_that_is_here_needs_no_place() {
        let readers = Arc::new(Readers::new(2));
        let mut slow = Vec::new();
        for _ in 0..3 {
            let readers = Arc::clone(&readers);
            slow.push(tokio::spawn(async move { readers.read(Body::new(Nothing)).await }));
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.remove(0).await.unwrap(), Err(Unread::GaveWay));
        assert_eq!(readers.waiting().places.len(), 2);
        assert_eq!(readers.read(Body::from("here")).await.unwrap(), "here");
        assert!(slow.iter().all(|slow| !slow.is_finished()), "nobody had to give way to it");
        slow.remove(0).abort();
        tokio::task::yield_now().await;
        assert_eq!(readers.waiting().places.len(), 1, "who goes away leaves the place");
    }
}
