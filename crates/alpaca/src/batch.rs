//! Records of a stream, the batches in which a sink stores them, and its error.

use bytes::Bytes;
use serde::Deserialize;

use crate::event_id::EventId;
use crate::stream::{Resume, Stream};

/// Largest record that is read, in bytes of its JSON: about ten times an order with all its legs.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Most records in one batch.
pub const BATCH_RECORDS_MAX: usize = 128;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Stream of the record.
    pub stream: Stream,
    /// Position in the stream, for resuming. On [`Stream::Activities`] one activity can have several ids.
    pub id: EventId,
    /// JSON as received; several `data` lines are joined by line feeds.
    pub data: Bytes,
}

/// Records to store together, in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Stream of the records.
    pub stream: Stream,
    /// At least one and at most [`BATCH_RECORDS_MAX`].
    pub records: Vec<Record>,
    /// Position to resume from once all records are durable: store it in their transaction or later.
    pub cursor: EventId,
}

/// The sink could not store a batch; it will be read again.
#[derive(Debug, thiserror::Error)]
#[error("storing event stream records failed")]
pub struct SinkError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Why a record cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("larger than {RECORD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("not UTF-8")]
    NotText,
    #[error("not JSON with the stream's id")]
    NoId,
}

impl SinkError {
    /// Wraps the cause, which is logged.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl Record {
    /// Parses only the id.
    pub(crate) fn parse(stream: Stream, data: Bytes) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(&data).map_err(|_| RecordError::NotText)?;
        let id = match stream.resume() {
            Resume::EventId => serde_json::from_str(text).map(|ByEventId { event_id }| event_id),
            Resume::EventUlid => serde_json::from_str(text).map(|ByEventUlid { event_ulid }| event_ulid),
        };
        let id = id.map_err(|_| RecordError::NoId)?;
        Ok(Self { stream, id, data })
    }
}

#[derive(Deserialize)]
struct ByEventId {
    event_id: EventId,
}

#[derive(Deserialize)]
struct ByEventUlid {
    event_ulid: EventId,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01HCMKXQYJ3ZBV66Q21KCT1CRR";

    fn parse(stream: Stream, json: &str) -> Result<EventId, RecordError> {
        Record::parse(stream, Bytes::copy_from_slice(json.as_bytes())).map(|record| record.id)
    }

    #[test]
    fn each_stream_is_resumed_by_its_own_id() {
        let both = format!(r#"{{"event_id":12627517,"event_ulid":"{ID}","account_id":"a"}}"#);
        assert_eq!(parse(Stream::AccountStatus, &both), Ok(ID.parse().unwrap()));
        assert_eq!(parse(Stream::Trades, &both), Err(RecordError::NoId), "an integer is not a ULID");
        let one = format!(r#"{{"order":{{"event_id":1}},"event_id":"{ID}"}}"#);
        for stream in [Stream::Trades, Stream::Journals, Stream::Funding, Stream::Activities] {
            assert_eq!(parse(stream, &one), Ok(ID.parse().unwrap()), "{stream}");
        }
        assert_eq!(parse(Stream::AccountStatus, &one), Err(RecordError::NoId));
    }

    #[test]
    fn records_without_exactly_one_valid_id_are_refused() {
        for json in [
            "",
            "[]",
            r#""text""#,
            r#"{"event_id":null}"#,
            r#"{"event_id":""}"#,
            &format!(r#"{{"event_id":"{ID}""#),
            &format!(r#"{{"event_id":"{ID}"}} x"#),
            &format!(r#"{{"event_id":"{ID}","event_id":"{ID}"}}"#),
        ] {
            assert_eq!(parse(Stream::Trades, json), Err(RecordError::NoId), "{json}");
        }
        let data = Bytes::from_static(b"{\"a\":\"\xff\",\"event_id\":\"01HCMKXQYJ3ZBV66Q21KCT1CRR\"}");
        assert_eq!(Record::parse(Stream::Trades, data), Err(RecordError::NotText));
    }
}
