//! Closes a connection gently while its client may still be sending.
//!
//! Closing a socket with unread bytes resets it, and the client might lose the response that says why. The rest of a
//! rejected message is therefore read and discarded for a while, within bounds of time, bytes and connections.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Sleep;

/// Longest time that a closed connection is read from.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Most bytes of a rejected message that are discarded: what a client has on its way, and a body that is a few times too
/// large, so that a client which writes all of it before it reads finds the response.
const BYTES_MAX: usize = 16 * 1024 * 1024;
const READ_BYTES: usize = 16 * 1024;
/// Connections that linger at once. Above that they are closed immediately: lingering is a courtesy.
const CONNECTIONS_MAX: usize = 64;

/// Bytes that were read and thrown away.
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    bytes: usize,
}

impl Discarded {
    /// Reads and discards; ready when the client stops or has sent too much.
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
    /// Starts the time; `None` when too many others linger.
    pub(crate) fn start() -> Option<Self> {
        let permit = Permit::acquire()?;
        Some(Self { deadline: Box::pin(tokio::time::sleep(TIME_MAX)), _permit: permit })
    }

    /// Ready when the client has stopped, or has had enough time or bytes.
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

/// One of [`CONNECTIONS_MAX`]; dropping it makes room.
#[derive(Debug)]
struct Permit;

impl Permit {
    fn acquire() -> Option<Self> {
        let lingering = LINGERING.fetch_add(1, Ordering::Relaxed);
        // Made before it is known to be free, so that dropping one too many gives it back.
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
    async fn lingering_ends_with_the_client_the_bytes_or_the_time_and_makes_room_again() {
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
