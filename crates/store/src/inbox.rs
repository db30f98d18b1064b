//! Stores deliveries in batches, which are durable before their senders get a receipt.

mod batch;
mod batcher;
mod conflict;
mod event;
mod insert;

pub(crate) use batcher::Inbox;
pub(crate) use event::{NewEvent, TRACEPARENT};

use crate::ids::EventId;
use crate::storage_fault::StorageFault;

/// A delivery is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The delivery is new.
    Stored(EventId),
    /// The delivery was stored before, as this event.
    Duplicate(EventId),
    /// An event with its id and other content was stored before; the delivery is this event, which is not applied.
    Conflict(EventId),
}

impl Receipt {
    /// The stored event.
    #[must_use]
    pub const fn id(self) -> EventId {
        match self {
            Self::Stored(id) | Self::Duplicate(id) | Self::Conflict(id) => id,
        }
    }
}

/// The delivery may not be durable. Sending it again is safe, because duplicates are not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// [`StoreConfig::queue_deliveries`](crate::StoreConfig::queue_deliveries) are waiting.
    #[error("delivery queue is full")]
    Busy,
    /// The database did not respond, or the outcome is unknown.
    #[error("database is unavailable")]
    Unavailable,
    /// The database was removed or replaced, or would lose the delivery: an operator must restore it.
    #[error("database must not be used: {}", .0.summary())]
    Storage(StorageFault),
    /// The database refused this delivery, but not the others of its batch.
    #[error("database refused the delivery")]
    Refused,
}

/// The position of a stream, stored together with the delivery that was read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The stream's name.
    pub stream: String,
    /// The position in the stream's own notation.
    pub position: String,
}
