//! The state of one connection, shared between its socket, its deadline and its requests.

mod response_body;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::HeadError;
pub use response_body::ResponseBody;
use response_body::Unread;

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
    /// Microseconds from `opened` to the end of the last write.
    last_write_us: AtomicU64,
    /// Microseconds from `opened` to the first write that the client has not made room for, or [`NEVER`](Self::NEVER).
    blocked_us: AtomicU64,
    /// Microseconds from `opened` to the first byte of a head that is not complete yet, or [`NEVER`](Self::NEVER).
    partial_head_us: AtomicU64,
    /// Bodies of which the client has not taken everything.
    unread: Mutex<Vec<Unread>>,
    is_closing: AtomicBool,
    changed: Notify,
}

/// How long a connection may wait for its client.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For a whole head, counted from its first byte, and for the first request, counted from the start of the connection.
    pub head: Duration,
    /// For the next request, counted from the end of the last write.
    pub keep_alive: Duration,
    /// For the client to take more of a response that waits for it.
    pub send: Duration,
}

impl Connection {
    /// Used instead of a time.
    const NEVER: u64 = u64::MAX;

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
            blocked_us: AtomicU64::new(Self::NEVER),
            partial_head_us: AtomicU64::new(Self::NEVER),
            unread: Mutex::default(),
            is_closing: AtomicBool::new(false),
            changed: Notify::new(),
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

    /// Whether it is an HTTP/2 connection.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// When to look again whether the client has sent its next request, and taken more of its responses, in time; `None` once it
    /// has not, or the connection is to [`close`](Self::close). Over HTTP/2 only the first request has a limit, because
    /// pings detect dead peers.
    #[must_use]
    pub fn time_left(&self, limits: TimeLimits) -> Option<Duration> {
        let TimeLimits { head, keep_alive, send } = limits;
        if self.is_closing.load(Ordering::Relaxed) {
            return None;
        }
        // A head that begins meanwhile, or a write that blocks, is noticed before its limit.
        let look_again = head.min(keep_alive).min(send);
        let waited = |since_us| self.opened.elapsed().saturating_sub(Duration::from_micros(since_us));
        let (waited, limit) = if let Some(unread_us) = self.unread_since_us() {
            let waited = waited(unread_us);
            // Over HTTP/2 the stream is ended first, and has as long again to end.
            let is_second = self.is_http2() && !self.is_blocked() && waited >= send;
            (waited, if is_second { 2 * send } else { send })
        } else {
            match self.next_request_wait(head, keep_alive) {
                Some((since_us, limit)) => (waited(since_us), limit),
                None => return Some(look_again),
            }
        };
        let left = limit.checked_sub(waited).filter(|left| !left.is_zero())?;
        Some(left.min(look_again))
    }

    /// Ends the streams of which the client has taken nothing for so long. The others go on: they may be those of other clients of a
    /// proxy.
    pub fn end_unread_streams(&self, send: Duration) {
        let send_us = u64::try_from(send.as_micros()).unwrap_or(u64::MAX);
        let Some(since_us) = self.elapsed_us().checked_sub(send_us) else { return };
        let unread = self.unread();
        let stale = unread.iter().filter(|body| body.taken_us <= since_us);
        stale.filter_map(|body| body.end.as_ref()).for_each(|end| end.notify_one());
    }

    /// How long nothing was done for the client: it sends no request, or takes nothing of its responses. `None` while a request is
    /// handled.
    #[must_use]
    pub fn idle_for(&self) -> Option<Duration> {
        // A request is in flight until its response is read.
        let handled = (self.in_flight.load(Ordering::Relaxed) as usize).saturating_sub(self.unread().len());
        if handled > 0 && !self.is_blocked() {
            return None;
        }
        let since_us = self.unread_since_us().unwrap_or_else(|| self.last_write_us.load(Ordering::Relaxed));
        Some(self.opened.elapsed().saturating_sub(Duration::from_micros(since_us)))
    }

    /// Ends the connection at once.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.notify_change();
    }

    /// Makes [`changed`](Self::changed) ready.
    pub fn notify_change(&self) {
        self.changed.notify_one();
    }

    /// Ready after a call of [`close`](Self::close) or [`notify_change`](Self::notify_change).
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The start of the wait for the next request and its limit; `None` if the connection does not wait for one.
    fn next_request_wait(&self, head: Duration, keep_alive: Duration) -> Option<(u64, Duration)> {
        if !self.has_received_request.load(Ordering::Relaxed) {
            return Some((0, head));
        }
        if self.is_http2() || self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let last_write_us = self.last_write_us.load(Ordering::Relaxed);
        match self.partial_head_us.load(Ordering::Relaxed) {
            Self::NEVER => Some((last_write_us, keep_alive)),
            // A head that arrived early waits for the response before it.
            partial_head_us => Some((partial_head_us.max(last_write_us), head)),
        }
    }

    /// Since when the client has taken nothing of a response that waits for it.
    fn unread_since_us(&self) -> Option<u64> {
        let blocked_us = self.blocked_us.load(Ordering::Relaxed);
        let bodies = self.unread().iter().map(|body| body.taken_us).min();
        bodies.into_iter().chain(Some(blocked_us).filter(|since| *since != Self::NEVER)).min()
    }

    fn unread(&self) -> MutexGuard<'_, Vec<Unread>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
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
        if self.blocked_us.load(Ordering::Relaxed) != Self::NEVER {
            self.blocked_us.store(Self::NEVER, Ordering::Relaxed);
        }
    }

    /// Notes that a part of a head has arrived; further parts do not extend its time.
    pub(crate) fn note_partial_head(&self) {
        if self.partial_head_us.load(Ordering::Relaxed) == Self::NEVER {
            self.partial_head_us.store(self.elapsed_us(), Ordering::Relaxed);
        }
    }

    pub(crate) fn note_whole_head(&self) {
        self.partial_head_us.store(Self::NEVER, Ordering::Relaxed);
    }

    pub(crate) fn note_blocked_write(&self) {
        if self.blocked_us.load(Ordering::Relaxed) == Self::NEVER {
            self.blocked_us.store(self.elapsed_us(), Ordering::Relaxed);
        }
    }

    pub(crate) fn reject(&self, error: HeadError) {
        // At most once, because no input is read after a rejection.
        let _first = self.head_error.set(error);
    }

    /// Whether bytes wait for the client.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked_us.load(Ordering::Relaxed) != Self::NEVER
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX).min(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LIMITS: TimeLimits = TimeLimits {
        head: Duration::from_secs(10),
        keep_alive: Duration::from_secs(75),
        send: Duration::from_secs(20),
    };

    fn connection() -> Arc<Connection> {
        Arc::new(Connection::new(([127, 0, 0, 1], 50_000).into()))
    }

    fn left_s(connection: &Connection) -> Option<u64> {
        connection.time_left(LIMITS).map(|left| left.as_secs())
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
        connection.end_request();
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
    async fn a_client_that_takes_nothing_of_a_response_is_out_of_time_and_one_that_takes_a_little_is_not() {
        let connection = connection();
        connection.start_request();
        assert_eq!(connection.idle_for(), None, "a request is handled");
        connection.note_blocked_write();
        pass(15).await;
        connection.note_blocked_write();
        assert_eq!(left_s(&connection), Some(5));
        assert_eq!(connection.idle_for(), Some(Duration::from_secs(15)));
        connection.note_write();
        connection.note_blocked_write();
        pass(19).await;
        assert_eq!(left_s(&connection), Some(1));
        connection.note_write();
        // Over HTTP/2 the socket has room while a stream has none.
        connection.note_http2();
        let ends = [(); 2].map(|()| Arc::new(Notify::new()));
        let [first, second] =
            ends.each_ref().map(|end| ResponseBody::new(&connection, Some(Arc::clone(end))));
        pass(12).await;
        first.note_progress();
        assert_eq!(left_s(&connection), Some(8), "then the end of the second stream is due");
        pass(8).await;
        connection.end_unread_streams(LIMITS.send);
        ends[1].notified().await;
        assert!(tokio::time::timeout(Duration::ZERO, ends[0].notified()).await.is_err(), "it took a part");
        assert_eq!(connection.idle_for(), Some(Duration::from_secs(20)));
        drop(second);
        pass(31).await;
        assert_eq!(
            left_s(&connection),
            Some(1),
            "of the whole connection, if the end of a stream does not help"
        );
        pass(1).await;
        assert_eq!(left_s(&connection), None);
        drop(first);
        assert_eq!(left_s(&connection), Some(10));
        connection.close();
        connection.changed().await;
        assert_eq!(left_s(&connection), None);
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
