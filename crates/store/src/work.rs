//! What is to be done about kept deliveries: leased by one worker at a time, applied once, or given up with a reason.
//!
//! A lease is a promise until a time. Whoever holds it too long loses it, and what they then do changes nothing: each lease
//! of a piece of work has a number, and only the holder of the last may finish it. Deliveries about one object are never
//! leased to two workers at once.

mod apply;
mod backoff;
mod fail;
mod lease;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use webhooks::Channel;

use crate::error::Error;
use crate::ids::{EventId, WorkId};

pub use apply::Applied;
pub use backoff::ATTEMPTS_MAX;
pub use lease::LEASE_MAX;
pub(crate) use lease::Strangers;

/// A delivery that its holder may apply.
#[derive(Clone)]
pub struct Leased {
    pub(crate) work: WorkId,
    pub(crate) event: EventId,
    pub(crate) channel: Channel,
    pub(crate) event_type: String,
    pub(crate) object: String,
    pub(crate) body: Bytes,
    pub(crate) received_at: Timestamp,
    pub(crate) cause: Cause,
    pub(crate) attempt: u32,
    pub(crate) owner: Arc<str>,
}

/// Why there is work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// It was delivered.
    Received,
    /// An operator asked for it again.
    Replay,
    /// An operator asked for it again after it had been given up.
    Requeue,
}

/// How far work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkState {
    /// It waits.
    Pending,
    /// A worker has it.
    Leased,
    /// It is applied.
    Done,
    /// It means nothing for the books.
    Unhandled,
    /// It was given up.
    Dead,
    /// It was given up, and then asked for again.
    Requeued,
}

impl Leased {
    /// The piece of work.
    #[must_use]
    pub const fn work(&self) -> WorkId {
        self.work
    }

    /// Under which id the delivery is kept.
    #[must_use]
    pub const fn event(&self) -> EventId {
        self.event
    }

    /// Where it came in.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// What its source calls this kind of event.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What it is about.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The exact bytes that were verified.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// When it was received.
    #[must_use]
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Why there is work.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// How often it has been leased, this time included.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl fmt::Debug for Leased {
    // A body names people and accounts.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Leased")
            .field("work", &self.work)
            .field("event", &self.event)
            .field("channel", &self.channel.as_str())
            .field("event_type", &self.event_type)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),* $(,)? }) => {
        impl $name {
            /// Its word, as it is kept and filtered by.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(Error::unreadable(stringify!($name))),
                }
            }
        }
    };
}

words!(Cause { Received => "received", Replay => "replay", Requeue => "requeue" });
words!(WorkState {
    Pending => "pending",
    Leased => "leased",
    Done => "done",
    Unhandled => "unhandled",
    Dead => "dead",
    Requeued => "requeued",
});
