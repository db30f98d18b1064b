//! Closes a connection gently while its client may still be sending.
//!
//! Closing a socket with unread bytes resets it, and the client might lose the answer that says why. The rest of a
//! refused message is therefore read and dropped for a while, within bounds of time, bytes and connections.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Sleep;

/// How long a closed connection is read from at most.
const TIME_MAX: Duration = Duration::from_secs(2);
/// How many bytes of a refused message are dropped at most: what a client has on its way, and a body that is a few
/// times too large, so that a client which writes all of it before it reads finds the answer.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much of it is read at once, in bytes.
const READ_BYTES: usize = 16 * 1024;
/// How many connections linger at once. Others are closed at once: it is a courtesy to those who are in the wrong.
const CONNECTIONS_MAX: usize = 64;

/// What a client sends that nobody is going to read.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    bytes: usize,
}

impl Dropped {
    /// Reads and drops; ready when the client stops or has sent too much.
    pub(super) fn poll_more(
        &mut self,
        mut socket: impl AsyncRead + Unpin,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut scratch = [0; READ_BYTES];
        while self.bytes < BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut socket).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.bytes += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

/// The end of a connection that is closed gently.
#[derive(Debug)]
pub(super) struct Linger {
    until: Pin<Box<Sleep>>,
    _place: Place,
}

impl Linger {
    /// Starts the time; `None` when too many others linger.
    pub(super) fn begin() -> Option<Self> {
        let place = Place::take()?;
        Some(Self { until: Box::pin(tokio::time::sleep(TIME_MAX)), _place: place })
    }

    /// Ready when the client has stopped, or has had enough time or bytes.
    pub(super) fn poll(
        &mut self,
        dropped: &mut Dropped,
        socket: impl AsyncRead + Unpin,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        match self.until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => dropped.poll_more(socket, context),
        }
    }
}

static LINGERING: AtomicUsize = AtomicUsize::new(0);

/// One of [`CONNECTIONS_MAX`] places; dropping it makes room.
#[derive(Debug)]
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let lingering = LINGERING.fetch_add(1, Ordering::Relaxed);
        // Made before it is known to be free, so that one too many is given back by being dropped.
        let place = Self;
        (lingering < CONNECTIONS_MAX).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        LINGERING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::io::AsyncWriteExt;

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_client_or_the_bytes_or_the_time_and_makes_room_again() {
        let end = async |mut linger: Linger, mut socket: tokio::io::DuplexStream| {
            let mut dropped = Dropped::default();
            std::future::poll_fn(|context| linger.poll(&mut dropped, &mut socket, context)).await;
            dropped.bytes
        };
        let (client, server) = tokio::io::duplex(64);
        drop(client);
        assert_eq!(end(Linger::begin().unwrap(), server).await, 0);

        let (_silent, server) = tokio::io::duplex(64);
        let started = tokio::time::Instant::now();
        assert_eq!(end(Linger::begin().unwrap(), server).await, 0);
        assert!(started.elapsed() >= TIME_MAX);

        let (mut client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move { while client.write_all(&[0; 1024]).await.is_ok() {} });
        let dropped = end(Linger::begin().unwrap(), server).await;
        assert!((BYTES_MAX..BYTES_MAX + READ_BYTES).contains(&dropped), "{dropped}");

        let all: Vec<Linger> = std::iter::from_fn(Linger::begin).collect();
        assert!(all.len() <= CONNECTIONS_MAX && Linger::begin().is_none());
        drop(all);
        assert!(Linger::begin().is_some());
    }
}
