//! The state of one connection, shared between its socket, its deadline and its requests.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::HeadError;

/// The state of one connection.
#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    head_error: OnceLock<HeadError>,
    has_received_request: AtomicBool,
    is_http2: AtomicBool,
    opened: Instant,
    /// Requests without a complete response.
    in_flight: AtomicU32,
    /// Microseconds from `opened` to the end of the last write, or [`BLOCKED`](Self::BLOCKED).
    last_write_us: AtomicU64,
    /// Microseconds from `opened` to the first byte of a head that is not complete yet, or [`NO_HEAD`](Self::NO_HEAD).
    partial_head_us: AtomicU64,
}

/// How long a connection may wait for its client.
#[derive(Clone, Copy, Debug)]
pub struct IdleLimits {
    /// For a whole head, counted from its first byte, and for the first request, counted from the start of the connection.
    pub head: Duration,
    /// For the next request, counted from the end of the last write.
    pub keep_alive: Duration,
}

impl Connection {
    /// Used instead of a time while the client does not read.
    const BLOCKED: u64 = u64::MAX;
    /// Used instead of a time while no part of a head has arrived.
    const NO_HEAD: u64 = u64::MAX;

    /// A connection without input.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            local: None,
            head_error: OnceLock::new(),
            has_received_request: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            opened: Instant::now(),
            in_flight: AtomicU32::new(0),
            last_write_us: AtomicU64::new(0),
            partial_head_us: AtomicU64::new(Self::NO_HEAD),
        }
    }

    /// The same, and the address of this end of the socket.
    #[must_use]
    pub fn with_local(self, local: SocketAddr) -> Self {
        Self { local: Some(local), ..self }
    }

    /// The address of this end of the socket, if it is known.
    #[must_use]
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.local.map(|local| local.ip().to_canonical())
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

    /// When to look again whether the client has sent its next request in time; `None` once it has not. Over HTTP/2 only the first
    /// request has a limit, because pings detect dead peers.
    #[must_use]
    pub fn idle_time_left(&self, limits: IdleLimits) -> Option<Duration> {
        let IdleLimits { head, keep_alive } = limits;
        // A head that begins meanwhile is noticed before its limit.
        let look_again = head.min(keep_alive);
        let last_write_us = self.last_write_us.load(Ordering::Relaxed);
        let partial_head_us = self.partial_head_us.load(Ordering::Relaxed);
        let (since_us, limit) = if !self.has_received_request.load(Ordering::Relaxed) {
            (0, head)
        } else if self.is_http2.load(Ordering::Relaxed)
            || self.in_flight.load(Ordering::Relaxed) > 0
            || last_write_us == Self::BLOCKED
        {
            return Some(look_again);
        } else if partial_head_us == Self::NO_HEAD {
            (last_write_us, keep_alive)
        } else {
            // A head that arrived early waits for the response before it.
            (partial_head_us.max(last_write_us), head)
        };
        let idle = self.opened.elapsed().saturating_sub(Duration::from_micros(since_us));
        let left = limit.checked_sub(idle).filter(|left| !left.is_zero())?;
        Some(left.min(look_again))
    }

    /// Notes that a complete request was received.
    pub fn start_request(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        // Load first: an unconditional store would take the cache line exclusively on every request.
        if !self.has_received_request.load(Ordering::Relaxed) {
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
        self.last_write_us.store(self.elapsed_us(), Ordering::Relaxed);
    }

    /// Notes that a part of a head has arrived; further parts do not extend its time.
    pub(crate) fn note_partial_head(&self) {
        if self.partial_head_us.load(Ordering::Relaxed) == Self::NO_HEAD {
            self.partial_head_us.store(self.elapsed_us(), Ordering::Relaxed);
        }
    }

    pub(crate) fn note_whole_head(&self) {
        self.partial_head_us.store(Self::NO_HEAD, Ordering::Relaxed);
    }

    pub(crate) fn note_blocked_write(&self) {
        self.last_write_us.store(Self::BLOCKED, Ordering::Relaxed);
    }

    pub(crate) fn reject(&self, error: HeadError) {
        // At most once, because no input is read after a rejection.
        let _first = self.head_error.set(error);
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX).min(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: IdleLimits =
        IdleLimits { head: Duration::from_secs(10), keep_alive: Duration::from_secs(75) };

    fn connection() -> Connection {
        Connection::new(([127, 0, 0, 1], 50_000).into())
    }

    fn left_s(connection: &Connection) -> Option<u64> {
        connection.idle_time_left(LIMITS).map(|left| left.as_secs())
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_starts_after_the_last_write_and_stops_during_a_request() {
        let connection = connection();
        connection.start_request();
        pass(600).await;
        assert_eq!(left_s(&connection), Some(10), "the handler is slow");
        connection.note_blocked_write();
        connection.end_request();
        assert_eq!(left_s(&connection), Some(10), "the client reads slowly");
        connection.note_write();
        pass(60).await;
        assert_eq!(left_s(&connection), Some(10), "15 seconds, of which a head that begins now may take 10");
        pass(9).await;
        assert_eq!(left_s(&connection), Some(6));
        pass(6).await;
        assert_eq!(left_s(&connection), None);
        connection.note_http2();
        assert_eq!(left_s(&connection), Some(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_own_limit_and_so_has_the_first_request() {
        let connection = connection();
        pass(9).await;
        assert_eq!(left_s(&connection), Some(1));
        pass(1).await;
        assert_eq!(left_s(&connection), None, "there was no request");
        connection.start_request();
        connection.end_request();
        connection.note_write();
        pass(30).await;
        connection.note_partial_head();
        pass(4).await;
        connection.note_partial_head();
        assert_eq!(left_s(&connection), Some(6));
        connection.note_whole_head();
        pass(6).await;
        assert_eq!(left_s(&connection), Some(10));
        // The next head has begun before the response ends.
        connection.start_request();
        connection.note_partial_head();
        pass(60).await;
        connection.end_request();
        connection.note_write();
        pass(4).await;
        assert_eq!(left_s(&connection), Some(6));
        pass(6).await;
        assert_eq!(left_s(&connection), None);
    }
}
