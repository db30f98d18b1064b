//! The broker's event streams.

use prometheus::{IntGauge, IntGaugeVec};

use super::Declare;

/// The state of one event stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamStatus {
    /// Whether this process is connected to it.
    pub is_connected: bool,
    /// When anything was received last, a heartbeat included, in seconds since 1970; 0 for never.
    pub received_at_s: i64,
    /// The time within the last durable cursor, in seconds since 1970; 0 for none.
    pub cursor_s: i64,
    /// Records that were stored, repeated ones each time.
    pub records_stored: u64,
    /// Records that were skipped.
    pub records_unreadable: u64,
    /// Times that the broker said it left records out.
    pub gaps: u64,
}

/// Gauges of each stream, at zero where none is read.
#[derive(Debug)]
pub struct Streams {
    connected: IntGaugeVec,
    received: IntGaugeVec,
    cursor: IntGaugeVec,
    stored: IntGaugeVec,
    unreadable: IntGaugeVec,
    gaps: IntGaugeVec,
}

impl Streams {
    pub(super) fn new(declare: &Declare<'_>, streams: &[&str]) -> Result<Self, prometheus::Error> {
        let by_stream = |name: &str, help: &str| {
            declare.register(IntGaugeVec::new(Declare::opts(name, help), &["stream"]))
        };
        let metrics = Self {
            connected: by_stream(
                "alpaca_stream_connected",
                "1 while this process is connected to the stream",
            )?,
            received: by_stream(
                "alpaca_stream_received_timestamp_seconds",
                "When anything was last received from the stream, in seconds since 1970",
            )?,
            cursor: by_stream(
                "alpaca_stream_cursor_timestamp_seconds",
                "The time within the last durable cursor, in seconds since 1970",
            )?,
            stored: by_stream(
                "alpaca_stream_records_stored",
                "Records that were stored, repeated ones each time",
            )?,
            unreadable: by_stream("alpaca_stream_records_unreadable", "Records that were skipped")?,
            gaps: by_stream("alpaca_stream_gaps", "Times that the broker said it left records out")?,
        };
        for stream in streams {
            metrics.note(stream, StreamStatus::default());
        }
        Ok(metrics)
    }

    /// Shows the state of a stream.
    pub fn note(&self, stream: &str, status: StreamStatus) {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let gauge = |family: &IntGaugeVec| -> IntGauge { family.with_label_values(&[stream]) };
        gauge(&self.connected).set(i64::from(status.is_connected));
        gauge(&self.received).set(status.received_at_s);
        gauge(&self.cursor).set(status.cursor_s);
        gauge(&self.stored).set(count(status.records_stored));
        gauge(&self.unreadable).set(count(status.records_unreadable));
        gauge(&self.gaps).set(count(status.gaps));
    }
}
