//! Faulty response bodies.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// Announces all of `bytes`, sends half, then fails, which closes the connection.
pub(super) struct HalfBody {
    announced_bytes: u64,
    half: Option<Bytes>,
}

impl HalfBody {
    pub(super) fn new(bytes: &Bytes) -> Self {
        let announced_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self { announced_bytes, half: Some(bytes.slice(..bytes.len() / 2)) }
    }
}

impl Body for HalfBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.half.take() {
            Some(half) => {
                // Polled again at once, so that the half is sent before the failure.
                context.waker().wake_by_ref();
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            None => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced_bytes)
    }
}

/// Sends one byte after each wait.
pub(super) struct SlowBody {
    left: Bytes,
    wait: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl SlowBody {
    pub(super) fn new(bytes: Bytes, wait: Duration) -> Self {
        Self { left: bytes, wait, sleep: Box::pin(tokio::time::sleep(wait)) }
    }
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        std::task::ready!(self.sleep.as_mut().poll(context));
        self.sleep = Box::pin(tokio::time::sleep(self.wait));
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(1)))))
    }
}
