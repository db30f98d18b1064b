//! How a stream stands, for the metrics and the health checks to read.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::ending::Ending;
use crate::event_id::EventId;

/// Stands for a moment that has not come yet.
const NEVER: i64 = i64::MIN;

/// Raised and set where things happen.
#[derive(Debug)]
pub(crate) struct Status {
    is_connected: AtomicBool,
    heard_unix_ms: AtomicI64,
    kept_unix_ms: AtomicI64,
    cursor_unix_ms: AtomicI64,
    connections: AtomicU64,
    records_kept: AtomicU64,
    records_unreadable: AtomicU64,
    messages_dropped: AtomicU64,
    endings: [AtomicU64; Ending::REASONS.len()],
    last_ending: Mutex<Option<Ending>>,
}

/// How a stream stands at one moment. Counters only rise; moments are in milliseconds since 1970, by the clock that was
/// handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReading {
    /// Whether a connection is open and its answer has begun.
    pub is_connected: bool,
    /// When anything was heard last, a heartbeat included.
    pub heard_unix_ms: Option<i64>,
    /// When a batch became durable last.
    pub kept_unix_ms: Option<i64>,
    /// The time within the last durable cursor.
    pub cursor_unix_ms: Option<i64>,
    /// Connections whose answer was an event stream.
    pub connections: u64,
    /// Records that became durable, repeated ones each time.
    pub records_kept: u64,
    /// Records that were skipped because they are too large or have no id of their stream: each is to be looked at.
    pub records_unreadable: u64,
    /// Records that the broker said it left out, where it said how many.
    pub messages_dropped: u64,
    /// Connections that ended or were not made, by [`Ending::REASONS`].
    pub endings: [(&'static str, u64); Ending::REASONS.len()],
    /// Why the last one did.
    pub last_ending: Option<Ending>,
}

impl StatusReading {
    /// Connections that ended or were not made for this reason.
    #[must_use]
    pub fn ended(&self, reason: &str) -> u64 {
        self.endings.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
    }

    /// Times that the broker said it left records out.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.ended("dropped")
    }
}

impl Status {
    pub(crate) fn read(&self) -> StatusReading {
        let moment = |at: &AtomicI64| Some(at.load(Relaxed)).filter(|at| *at != NEVER);
        StatusReading {
            is_connected: self.is_connected.load(Relaxed),
            heard_unix_ms: moment(&self.heard_unix_ms),
            kept_unix_ms: moment(&self.kept_unix_ms),
            cursor_unix_ms: moment(&self.cursor_unix_ms),
            connections: self.connections.load(Relaxed),
            records_kept: self.records_kept.load(Relaxed),
            records_unreadable: self.records_unreadable.load(Relaxed),
            messages_dropped: self.messages_dropped.load(Relaxed),
            endings: std::array::from_fn(|at| (Ending::REASONS[at], self.endings[at].load(Relaxed))),
            last_ending: *self.last_ending.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Connected until what this gives is dropped.
    pub(crate) fn connected(&self) -> Connected<'_> {
        self.connections.fetch_add(1, Relaxed);
        self.is_connected.store(true, Relaxed);
        Connected(self)
    }

    pub(crate) fn heard(&self, now_unix_ms: i64) {
        self.heard_unix_ms.store(now_unix_ms, Relaxed);
    }

    pub(crate) fn kept(&self, records: usize, now_unix_ms: i64) {
        self.records_kept.fetch_add(records as u64, Relaxed);
        self.kept_unix_ms.store(now_unix_ms, Relaxed);
    }

    pub(crate) fn stands_at(&self, cursor: EventId) {
        self.cursor_unix_ms.store(cursor.unix_ms(), Relaxed);
    }

    pub(crate) fn unreadable(&self) {
        self.records_unreadable.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, ending: Ending) {
        self.endings[ending.index()].fetch_add(1, Relaxed);
        if let Ending::Dropped { messages: Some(messages) } = ending {
            self.messages_dropped.fetch_add(messages, Relaxed);
        }
        *self.last_ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
    }
}

impl Default for Status {
    fn default() -> Self {
        let never = || AtomicI64::new(NEVER);
        Self {
            is_connected: AtomicBool::new(false),
            heard_unix_ms: never(),
            kept_unix_ms: never(),
            cursor_unix_ms: never(),
            connections: AtomicU64::new(0),
            records_kept: AtomicU64::new(0),
            records_unreadable: AtomicU64::new(0),
            messages_dropped: AtomicU64::new(0),
            endings: std::array::from_fn(|_| AtomicU64::new(0)),
            last_ending: Mutex::new(None),
        }
    }
}

/// An open connection. One that is given up in the middle is seen to be gone, too.
pub(crate) struct Connected<'a>(&'a Status);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.is_connected.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_read() {
        let status = Status::default();
        let fresh = status.read();
        assert_eq!((fresh.heard_unix_ms, fresh.gaps(), fresh.is_connected), (None, 0, false));

        let connected = status.connected();
        status.ended(Ending::Dropped { messages: Some(7) });
        status.kept(3, 5);
        assert!(status.read().is_connected);
        drop(connected);

        let after = status.read();
        assert_eq!((after.gaps(), after.messages_dropped, after.records_kept), (1, 7, 3));
        assert_eq!((after.kept_unix_ms, after.is_connected), (Some(5), false));
        assert_eq!(after.last_ending, Some(Ending::Dropped { messages: Some(7) }));
    }
}
