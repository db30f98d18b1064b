//! Jobs: each applies a stored event once. A worker leases the job, then applies it, or fails and retries until the job is
//! given up.
//!
//! A lease ends at a fixed time. A worker that exceeds it loses the lease, and its results are discarded: leases of a job are
//! numbered by attempt, and only the last one may finish the job. Events about one resource are never leased to two workers
//! at once.

mod apply;
mod backoff;
mod due;
mod fail;
mod lease;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use telemetry::traces::SpanIds;
use webhooks::Channel;

use crate::actor::Actor;
use crate::ids::{EventId, JobId};
use crate::proof::EvidenceError;

pub use backoff::ATTEMPTS_MAX;
pub use lease::LEASE_MAX;

/// The actor of leases, applications and dead letters in the audit chain.
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
    evidence: Result<(), EvidenceError>,
    received_at: Timestamp,
    cause: JobCause,
    attempt: u32,
    owner: Arc<str>,
    span: Option<SpanIds>,
}

/// The cause of a job.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum JobCause {
    /// The event was received.
    Received,
    /// An operator replayed the event.
    Replay,
    /// An operator requeued a dead letter.
    Requeue,
}

/// The state of a job. All but the first two are final.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum JobState {
    /// The job waits for a worker, or for its next attempt.
    Pending,
    /// A worker has leased the job.
    Leased,
    /// The event is applied.
    Done,
    /// The event has no effect on the ledger.
    Unhandled,
    /// The job was given up: the event is a dead letter.
    Dead,
    /// The job was given up, and a new job has replaced it.
    Requeued,
}

/// The outcome of applying a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// Its facts are posted.
    Done,
    /// The event has no effect on the ledger.
    Unhandled,
    /// Another worker has leased the job since; nothing was changed.
    LeaseLost,
    /// The job failed and will be retried.
    Failed {
        /// The error with its causes.
        reason: String,
    },
    /// The job failed in its last attempt, or its event was changed in the database: the event is a dead letter.
    Dead {
        /// The error with its causes.
        reason: String,
    },
}

impl Job {
    /// The id of the job.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// The event of the job.
    #[must_use]
    pub const fn event_id(&self) -> EventId {
        self.event_id
    }

    /// The channel on which the event was received.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The provider's name of the event type.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The resource of the event.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Whether the stored event is what was received. If not, applying the job only makes it a dead letter.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub const fn evidence(&self) -> Result<(), EvidenceError> {
        self.evidence
    }

    /// The verified bytes.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// When the event was received.
    #[must_use]
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The cause of the job.
    #[must_use]
    pub const fn cause(&self) -> JobCause {
        self.cause
    }

    /// The span in which the event was stored, if it was recorded.
    #[must_use]
    pub const fn span(&self) -> Option<SpanIds> {
        self.span
    }

    /// Number of leases so far, including the current one.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl fmt::Debug for Job {
    // Bodies contain names of people and accounts.
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
