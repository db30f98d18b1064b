//! What happens between a socket and HTTP: strict framing, connection caps, and what a connection knows of itself.
//!
//! hyper is lenient where RFC 9112 allows it; a service behind a proxy cannot be, because two readers that disagree
//! about where a message ends is request smuggling. The [`Gate`] therefore reads every HTTP/1 head before hyper does.

mod caps;
mod chunks;
mod gate;
mod head;
mod linger;
mod refusal;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

pub use caps::{Caps, Over, Slot};
pub use gate::{Gate, InvalidChunks};
pub use head::{HEAD_BYTES_MAX, HEADERS_MAX, TARGET_BYTES_MAX};
pub use refusal::Refusal;

/// The method of the head that the [`Gate`] hands to hyper in the place of one that it refused. No client can send
/// it: over HTTP/1 the gate refuses it, and over HTTP/2 there is no verdict to go with it.
pub const REFUSED_METHOD: &str = "X-REFUSED";

/// What one connection knows of itself, shared between its gate, its deadline and its requests.
#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    verdict: OnceLock<Refusal>,
    has_asked: AtomicBool,
    speaks_http2: AtomicBool,
    opened: Instant,
    /// Requests that are being answered.
    running: AtomicU32,
    /// Microseconds from the opening to the end of the last write, or [`BLOCKED`](Self::BLOCKED).
    written_us: AtomicU64,
}

impl Connection {
    /// Instead of a time: the client does not take what is written.
    const BLOCKED: u64 = u64::MAX;

    /// A connection from this address that has said nothing yet.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            verdict: OnceLock::new(),
            has_asked: AtomicBool::new(false),
            speaks_http2: AtomicBool::new(false),
            opened: Instant::now(),
            running: AtomicU32::new(0),
            written_us: AtomicU64::new(0),
        }
    }

    /// The address of the other end of the socket, which may be a proxy.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Why the gate refused the connection's last head.
    #[must_use]
    pub fn verdict(&self) -> Option<Refusal> {
        self.verdict.get().copied()
    }

    /// Whether a whole request was ever read from it.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// How long the client may still take for its next request, which is due so long after the last answer was
    /// written; `None` when its time is over. While it is being answered, and over HTTP/2, where pings find out who is
    /// gone, it always has the whole time.
    #[must_use]
    pub fn patience_left(&self, between_requests: Duration) -> Option<Duration> {
        let written_us = self.written_us.load(Ordering::Relaxed);
        let is_answering = self.running.load(Ordering::Relaxed) > 0 || written_us == Self::BLOCKED;
        if is_answering || self.speaks_http2.load(Ordering::Relaxed) {
            return Some(between_requests);
        }
        let waited = self.opened.elapsed().saturating_sub(Duration::from_micros(written_us));
        between_requests.checked_sub(waited).filter(|left| !left.is_zero())
    }

    /// Notes the end of an answer, or of the wait for it.
    pub fn note_answer(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    fn note_http2(&self) {
        self.speaks_http2.store(true, Ordering::Relaxed);
    }

    fn note_write(&self) {
        let since_opened = u64::try_from(self.opened.elapsed().as_micros());
        self.written_us.store(since_opened.unwrap_or(Self::BLOCKED - 1), Ordering::Relaxed);
    }

    fn note_blocked_write(&self) {
        self.written_us.store(Self::BLOCKED, Ordering::Relaxed);
    }

    /// Notes that a whole request was read, and is going to be answered.
    pub fn note_request(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
        // A plain load first: the store would make the line exclusive on every request.
        if !self.has_asked() {
            self.has_asked.store(true, Ordering::Relaxed);
        }
    }

    fn refuse(&self, refusal: Refusal) {
        // A gate refuses once: nothing is read after it.
        let _first = self.verdict.set(refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_next_request_is_due_so_long_after_the_last_write_and_not_while_one_is_answered() {
        let limit = Duration::from_secs(10);
        let connection = Connection::new(([127, 0, 0, 1], 50_000).into());
        connection.note_request();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(connection.patience_left(limit), Some(limit), "the handler is slow");
        connection.note_blocked_write();
        connection.note_answer();
        assert_eq!(connection.patience_left(limit), Some(limit), "the client reads slowly");
        connection.note_write();
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(connection.patience_left(limit), Some(Duration::from_secs(6)));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(connection.patience_left(limit), None);
        connection.note_http2();
        assert_eq!(connection.patience_left(limit), Some(limit));
    }
}
