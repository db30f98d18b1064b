//! The state of a stream, for metrics and health checks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disconnect::DisconnectReason;
use crate::event_id::EventId;

#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<StatusSnapshot>);

/// The state of a stream at one moment. Counters only rise; times are in milliseconds since 1970, by the clock that was
/// passed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusSnapshot {
    /// Whether a connection is open and its response has begun.
    pub is_connected: bool,
    /// When data was last received, heartbeats included.
    pub received_unix_ms: Option<i64>,
    /// When a batch last became durable.
    pub stored_unix_ms: Option<i64>,
    /// Time of the last durable cursor.
    pub cursor_unix_ms: Option<i64>,
    /// Records that became durable; repeated records count again.
    pub records_stored: u64,
    /// Records that were skipped because they are too large or have no id; investigate each.
    pub records_unreadable: u64,
    /// Records that Alpaca reported as left out, where it reported a number.
    pub messages_dropped: u64,
    disconnects: BTreeMap<&'static str, u64>,
}

impl StatusSnapshot {
    /// Number of connections that failed or ended for `reason`, such as `closed` or `rate_limited`.
    #[must_use]
    pub fn disconnects(&self, reason: &str) -> u64 {
        self.disconnects.get(reason).copied().unwrap_or_default()
    }

    /// How often Alpaca reported that it left out records.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.disconnects(DisconnectReason::RecordsDropped { messages: None }.as_str())
    }
}

impl Status {
    pub(crate) fn snapshot(&self) -> StatusSnapshot {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, StatusSnapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connected until the guard is dropped.
    pub(crate) fn connected(&self) -> ConnectedGuard<'_> {
        self.lock().is_connected = true;
        ConnectedGuard(self)
    }

    pub(crate) fn record_received(&self, now_unix_ms: i64) {
        self.lock().received_unix_ms = Some(now_unix_ms);
    }

    pub(crate) fn record_stored(&self, records: usize, cursor: EventId, now_unix_ms: i64) {
        let mut status = self.lock();
        status.records_stored += records as u64;
        status.stored_unix_ms = Some(now_unix_ms);
        status.cursor_unix_ms = Some(cursor.unix_ms());
    }

    pub(crate) fn set_cursor(&self, cursor: EventId) {
        self.lock().cursor_unix_ms = Some(cursor.unix_ms());
    }

    pub(crate) fn record_unreadable(&self) {
        self.lock().records_unreadable += 1;
    }

    pub(crate) fn record_disconnect(&self, reason: DisconnectReason) {
        let mut status = self.lock();
        *status.disconnects.entry(reason.as_str()).or_default() += 1;
        if let DisconnectReason::RecordsDropped { messages: Some(messages) } = reason {
            status.messages_dropped = status.messages_dropped.saturating_add(messages);
        }
    }
}

/// Resets the flag also when the future of a connection is dropped in the middle.
pub(crate) struct ConnectedGuard<'a>(&'a Status);

impl Drop for ConnectedGuard<'_> {
    fn drop(&mut self) {
        self.0.lock().is_connected = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_contain_all_changes() {
        let status = Status::default();
        let fresh = status.snapshot();
        assert_eq!((fresh.received_unix_ms, fresh.gaps(), fresh.is_connected), (None, 0, false));

        let guard = status.connected();
        status.record_disconnect(DisconnectReason::RecordsDropped { messages: Some(7) });
        status.record_stored(3, EventId::earliest_at(4), 5);
        assert!(status.snapshot().is_connected);
        drop(guard);

        let after = status.snapshot();
        assert_eq!((after.gaps(), after.messages_dropped, after.records_stored), (1, 7, 3));
        assert_eq!((after.stored_unix_ms, after.cursor_unix_ms), (Some(5), Some(4)));
        assert!(!after.is_connected);
    }
}
