//! The state of one connection, shared between its socket, its deadline and its requests.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::HeadError;

/// The state of one connection.
#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    head_error: OnceLock<HeadError>,
    has_received_request: AtomicBool,
    is_http2: AtomicBool,
    opened: Instant,
    /// Requests without a complete response.
    in_flight: AtomicU32,
    /// Microseconds from `opened` to the end of the last write, or [`BLOCKED`](Self::BLOCKED).
    last_write_us: AtomicU64,
}

impl Connection {
    /// Used instead of a time while the client does not read.
    const BLOCKED: u64 = u64::MAX;

    /// A connection without input.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            head_error: OnceLock::new(),
            has_received_request: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            opened: Instant::now(),
            in_flight: AtomicU32::new(0),
            last_write_us: AtomicU64::new(0),
        }
    }

    /// The address of the other end of the socket, which may be a proxy.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Reason for the rejection of the last head.
    #[must_use]
    pub fn head_error(&self) -> Option<HeadError> {
        self.head_error.get().copied()
    }

    /// Whether at least one complete request was received.
    #[must_use]
    pub fn has_received_request(&self) -> bool {
        self.has_received_request.load(Ordering::Relaxed)
    }

    /// The rest of `limit` in which the client must send its next request, counted from the end of the last write; `None`
    /// once it is exceeded. The whole limit while a response is in progress, and over HTTP/2, where pings detect dead peers.
    #[must_use]
    pub fn idle_time_left(&self, limit: Duration) -> Option<Duration> {
        let last_write_us = self.last_write_us.load(Ordering::Relaxed);
        let is_busy = self.in_flight.load(Ordering::Relaxed) > 0 || last_write_us == Self::BLOCKED;
        if is_busy || self.is_http2.load(Ordering::Relaxed) {
            return Some(limit);
        }
        let idle = self.opened.elapsed().saturating_sub(Duration::from_micros(last_write_us));
        limit.checked_sub(idle).filter(|left| !left.is_zero())
    }

    /// Notes that a complete request was received.
    pub fn start_request(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        // Load first: an unconditional store would take the cache line exclusively on every request.
        if !self.has_received_request() {
            self.has_received_request.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that a request has its response, or was abandoned.
    pub fn end_request(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn note_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_write(&self) {
        let since_opened = u64::try_from(self.opened.elapsed().as_micros());
        self.last_write_us.store(since_opened.unwrap_or(Self::BLOCKED - 1), Ordering::Relaxed);
    }

    pub(crate) fn note_blocked_write(&self) {
        self.last_write_us.store(Self::BLOCKED, Ordering::Relaxed);
    }

    pub(crate) fn reject(&self, error: HeadError) {
        // At most once, because no input is read after a rejection.
        let _first = self.head_error.set(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_starts_after_the_last_write_and_stops_during_a_request() {
        let limit = Duration::from_secs(10);
        let connection = Connection::new(([127, 0, 0, 1], 50_000).into());
        connection.start_request();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(connection.idle_time_left(limit), Some(limit), "the handler is slow");
        connection.note_blocked_write();
        connection.end_request();
        assert_eq!(connection.idle_time_left(limit), Some(limit), "the client reads slowly");
        connection.note_write();
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(connection.idle_time_left(limit), Some(Duration::from_secs(6)));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(connection.idle_time_left(limit), None);
        connection.note_http2();
        assert_eq!(connection.idle_time_left(limit), Some(limit));
    }
}
