//! What a stream brings, and what its sink says to it.

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
    /// Which stream brought it.
    pub stream: Stream,
    /// Its place in that stream: what the stream is resumed by. On [`Stream::Activities`] the same activity can come
    /// under several of these.
    pub id: EventId,
    /// Its JSON, as it was sent; the lines of a record that came in several are joined by line feeds.
    pub data: Bytes,
}

/// Records that are to be kept together, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which stream brought them.
    pub stream: Stream,
    /// At least one and at most [`BATCH_RECORDS_MAX`].
    pub records: Vec<Record>,
    /// What to resume the stream by once all of them are durable: to be kept in the same transaction, or after it.
    pub cursor: EventId,
}

/// The sink could not keep a batch; it will be read again.
#[derive(Debug, thiserror::Error)]
#[error("keeping records of a stream")]
pub struct SinkError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Why a record cannot be handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the record is larger than {RECORD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the record is not UTF-8")]
    NotText,
    #[error("the record is not JSON with the stream's id")]
    NoId,
}

impl SinkError {
    /// With its reason.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl Record {
    /// Reads nothing of the JSON but the id.
    pub(crate) fn read(stream: Stream, data: Bytes) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(&data).map_err(|_| Unreadable::NotText)?;
        let id = match stream.resume() {
            Resume::EventId => serde_json::from_str(text).map(|ByEventId { event_id }| event_id),
            Resume::EventUlid => serde_json::from_str(text).map(|ByEventUlid { event_ulid }| event_ulid),
        };
        let id = id.map_err(|_| Unreadable::NoId)?;
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

    fn read(stream: Stream, json: &str) -> Result<EventId, Unreadable> {
        Record::read(stream, Bytes::copy_from_slice(json.as_bytes())).map(|record| record.id)
    }

    #[test]
    fn each_stream_is_resumed_by_its_own_id() {
        let both = format!(r#"{{"event_id":12627517,"event_ulid":"{ID}","account_id":"a"}}"#);
        assert_eq!(read(Stream::AccountStatus, &both), Ok(ID.parse().unwrap()));
        assert_eq!(read(Stream::Trades, &both), Err(Unreadable::NoId), "an integer is no ULID");
        let one = format!(r#"{{"order":{{"event_id":1}},"event_id":"{ID}"}}"#);
        for stream in [Stream::Trades, Stream::Journals, Stream::Funding, Stream::Activities] {
            assert_eq!(read(stream, &one), Ok(ID.parse().unwrap()), "{stream}");
        }
        assert_eq!(read(Stream::AccountStatus, &one), Err(Unreadable::NoId));
    }

    #[test]
    fn a_record_without_one_certain_id_is_refused() {
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
            assert_eq!(read(Stream::Trades, json), Err(Unreadable::NoId), "{json}");
        }
        let data = Bytes::from_static(b"{\"a\":\"\xff\",\"event_id\":\"01HCMKXQYJ3ZBV66Q21KCT1CRR\"}");
        assert_eq!(Record::read(Stream::Trades, data), Err(Unreadable::NotText));
    }
}
