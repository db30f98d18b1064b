//! How the broker's event streams stand.

use alpaca::{StatusReading, Stream};
use prometheus::{IntGauge, IntGaugeVec};

use super::Declare;

/// Gauges of each stream, at zero where none is read.
#[derive(Debug)]
pub struct Streams {
    connected: IntGaugeVec,
    heard: IntGaugeVec,
    cursor: IntGaugeVec,
    kept: IntGaugeVec,
    unreadable: IntGaugeVec,
    gaps: IntGaugeVec,
}

impl Streams {
    pub(super) fn new(declare: &Declare<'_>) -> Result<Self, prometheus::Error> {
        let by_stream = |name: &str, help: &str| {
            declare.register(IntGaugeVec::new(Declare::opts(name, help), &["stream"]))
        };
        let streams = Self {
            connected: by_stream("alpaca_stream_connected", "1 while an event stream is being read here")?,
            heard: by_stream(
                "alpaca_stream_heard_timestamp_seconds",
                "When anything was heard of a stream last, in seconds since 1970",
            )?,
            cursor: by_stream(
                "alpaca_stream_cursor_timestamp_seconds",
                "The time within the last durable cursor, in seconds since 1970",
            )?,
            kept: by_stream(
                "alpaca_stream_records_kept",
                "Records that became durable, repeated ones each time",
            )?,
            unreadable: by_stream("alpaca_stream_records_unreadable", "Records that were skipped")?,
            gaps: by_stream("alpaca_stream_gaps", "Times that the broker said it left records out")?,
        };
        for stream in Stream::ALL {
            streams.all().iter().for_each(|family| gauge(family, stream.as_str()).set(0));
        }
        Ok(streams)
    }

    fn all(&self) -> [&IntGaugeVec; 6] {
        [&self.connected, &self.heard, &self.cursor, &self.kept, &self.unreadable, &self.gaps]
    }

    /// Notes how a stream stands.
    pub fn note(&self, stream: &str, status: &StatusReading) {
        let seconds = |unix_ms: Option<i64>| unix_ms.map_or(0, |unix_ms| unix_ms / 1000);
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        gauge(&self.connected, stream).set(i64::from(status.is_connected));
        gauge(&self.heard, stream).set(seconds(status.heard_unix_ms));
        gauge(&self.cursor, stream).set(seconds(status.cursor_unix_ms));
        gauge(&self.kept, stream).set(count(status.records_kept));
        gauge(&self.unreadable, stream).set(count(status.records_unreadable));
        gauge(&self.gaps, stream).set(count(status.gaps()));
    }
}

fn gauge(family: &IntGaugeVec, stream: &str) -> IntGauge {
    family.with_label_values(&[stream])
}
