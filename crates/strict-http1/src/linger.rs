//! Closes a connection gently while its client may still be sending.
//!
//! Closing a socket with unread bytes resets it, and the client might lose the response. The rest of a rejected message is
//! therefore read and discarded, within bounds of time, bytes and connections.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Sleep;

/// Longest time in which a closed connection is read.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Most discarded bytes of a rejected message: enough for a body that is a few times too large, so that a client that writes
/// all of it before it reads gets the response.
const BYTES_MAX: usize = 16 * 1024 * 1024;
const READ_BYTES: usize = 16 * 1024;
/// Most lingering connections; further ones are closed immediately.
const CONNECTIONS_MAX: usize = 64;

/// Number of discarded bytes.
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    bytes: usize,
}

impl Discarded {
    /// Reads and discards input; ready when the client stops or has sent too much.
    pub(crate) fn poll_more(
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
pub(crate) struct Linger {
    deadline: Pin<Box<Sleep>>,
    _permit: Permit,
}

impl Linger {
    /// Starts lingering; `None` when too many other connections linger.
    pub(crate) fn start() -> Option<Self> {
        let permit = Permit::acquire()?;
        Some(Self { deadline: Box::pin(tokio::time::sleep(TIME_MAX)), _permit: permit })
    }

    /// Ready when the client has stopped, or at the limit of time or bytes.
    pub(crate) fn poll(
        &mut self,
        discarded: &mut Discarded,
        socket: impl AsyncRead + Unpin,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => discarded.poll_more(socket, context),
        }
    }
}

static LINGERING: AtomicUsize = AtomicUsize::new(0);

/// One of [`CONNECTIONS_MAX`] permits, released when dropped.
#[derive(Debug)]
struct Permit;

impl Permit {
    fn acquire() -> Option<Self> {
        let lingering = LINGERING.fetch_add(1, Ordering::Relaxed);
        // Created before the check, so that dropping it releases the permit.
        let permit = Self;
        (lingering < CONNECTIONS_MAX).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        LINGERING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::io::AsyncWriteExt;

    #[tokio::test(start_paused = true)]
    async fn lingering_ends_with_the_client_the_bytes_or_the_time() {
        let end = async |mut linger: Linger, mut socket: tokio::io::DuplexStream| {
            let mut discarded = Discarded::default();
            std::future::poll_fn(|context| linger.poll(&mut discarded, &mut socket, context)).await;
            discarded.bytes
        };
        let (client, server) = tokio::io::duplex(64);
        drop(client);
        assert_eq!(end(Linger::start().unwrap(), server).await, 0);

        let (_silent, server) = tokio::io::duplex(64);
        let started = tokio::time::Instant::now();
        assert_eq!(end(Linger::start().unwrap(), server).await, 0);
        assert!(started.elapsed() >= TIME_MAX);

        let (mut client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move { while client.write_all(&[0; 1024]).await.is_ok() {} });
        let discarded = end(Linger::start().unwrap(), server).await;
        assert!((BYTES_MAX..BYTES_MAX + READ_BYTES).contains(&discarded), "{discarded}");

        let all: Vec<Linger> = std::iter::from_fn(Linger::start).collect();
        assert!(all.len() <= CONNECTIONS_MAX && Linger::start().is_none());
        drop(all);
        assert!(Linger::start().is_some());
    }
}
