//! Jobs: each applies a stored event once. A worker leases it, then applies it, or fails and retries until it is given up.
//!
//! A lease ends at a time. A worker that exceeds it loses it, and what it does then changes nothing: leases of a job are
//! numbered by its attempts, and only the holder of the last one may finish it. Events about one resource are never leased to
//! two workers at once.

mod apply;
mod backoff;
mod due;
mod fail;
mod lease;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use webhooks::Channel;

use crate::actor::Actor;
use crate::error::Error;
use crate::ids::{EventId, JobId};

pub use backoff::ATTEMPTS_MAX;
pub use lease::LEASE_MAX;

/// What the audit chain names as the one who leases, applies and gives up jobs.
const WORKER: Actor<'static> = Actor::named("worker");

/// A leased job.
#[derive(Clone)]
pub struct Job {
    id: JobId,
    event_id: EventId,
    channel: Channel,
    event_type: String,
    resource: String,
    body: Bytes,
    received_at: Timestamp,
    cause: JobCause,
    attempt: u32,
    owner: Arc<str>,
}

/// Why a job was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobCause {
    /// The event was received.
    Received,
    /// An operator replayed the event.
    Replay,
    /// An operator requeued a dead letter.
    Requeue,
}

/// The state of a job. All but the first two are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for a worker, or for its next attempt.
    Pending,
    /// A worker has it.
    Leased,
    /// The event is applied.
    Done,
    /// The event has no effect on the ledger.
    Unhandled,
    /// It was given up: the event is a dead letter.
    Dead,
    /// It was given up, and a new job has taken its place.
    Requeued,
}

/// The outcome of applying a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// Its facts are posted.
    Done,
    /// The event has no effect on the ledger.
    Unhandled,
    /// Another worker has leased it since; nothing was changed.
    LeaseLost,
    /// It could not be applied, and will be retried.
    Failed {
        /// The error with its causes.
        reason: String,
    },
    /// It could not be applied in its last attempt: the event is a dead letter.
    Dead {
        /// The error with its causes.
        reason: String,
    },
}

impl Job {
    /// The id of the job itself.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// The event that it applies.
    #[must_use]
    pub const fn event_id(&self) -> EventId {
        self.event_id
    }

    /// The channel on which the event was received.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The type of the event in its provider's words.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What the event is about.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The exact bytes that were verified.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// When the event was received.
    #[must_use]
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Why the job was created.
    #[must_use]
    pub const fn cause(&self) -> JobCause {
        self.cause
    }

    /// How often it has been leased, this time included.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl fmt::Debug for Job {
    // A body names people and accounts.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Job")
            .field("id", &self.id)
            .field("event_id", &self.event_id)
            .field("channel", &self.channel.as_str())
            .field("event_type", &self.event_type)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

macro_rules! text_enum {
    ($name:ident { $($variant:ident => $text:literal),* $(,)? }) => {
        impl $name {
            /// The name as stored and as used in filters.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(Error::decode(stringify!($name))),
                }
            }
        }
    };
}

text_enum!(JobCause { Received => "received", Replay => "replay", Requeue => "requeue" });
text_enum!(JobState {
    Pending => "pending",
    Leased => "leased",
    Done => "done",
    Unhandled => "unhandled",
    Dead => "dead",
    Requeued => "requeued",
});
