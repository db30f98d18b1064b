//! The door of the store: deliveries are kept in batches, each with one sync of the disk, before anyone is told so.

mod batch;
mod batcher;
mod insert;
mod record;

pub(crate) use batcher::Inbox;
pub(crate) use record::Record;

use crate::ids::EventId;

/// A delivery is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It was new, and is kept under this id.
    Stored(EventId),
    /// The same was kept before, under this id.
    Duplicate(EventId),
}

impl Receipt {
    /// Under which id it is kept.
    #[must_use]
    pub const fn id(self) -> EventId {
        match self {
            Self::Stored(id) | Self::Duplicate(id) => id,
        }
    }
}

/// A delivery is not known to be durable. Its sender may send it again: it is kept once however often it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// More deliveries wait than may wait.
    #[error("too many deliveries wait to be kept")]
    Busy,
    /// The database does not answer, or did not say how it ended.
    #[error("the database does not answer")]
    Unavailable,
    /// The database refuses this one, and no other.
    #[error("the database refuses this delivery")]
    Refused,
}

/// Up to where a stream has been read: kept together with the delivery that was read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which stream.
    pub stream: String,
    /// Its position, in the stream's own terms.
    pub position: String,
}
