//! Kept deliveries as they are shown.

use serde::Serialize;
use store::{EventDetail, EventLine, WorkLine};
use utoipa::ToSchema;

/// A kept delivery, without its body.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventShown {
    /// What it is called here.
    #[schema(example = "42")]
    id: String,
    /// Whose it is.
    #[schema(value_type = String, example = "alpaca")]
    source: &'static str,
    /// Where it came in.
    #[schema(example = "alpaca/trade")]
    channel: String,
    /// `webhook` or `stream`.
    transport: String,
    /// What its source calls this kind of event.
    event_type: String,
    /// What it is about.
    object: String,
    /// When it happened, when it says so.
    #[schema(required, format = DateTime)]
    occurred_at: Option<String>,
    /// When it was received.
    #[schema(format = DateTime)]
    received_at: String,
    /// When its body was removed.
    #[schema(required, format = DateTime)]
    redacted_at: Option<String>,
    /// How far the latest work on it is: `pending`, `leased`, `done`, `unhandled`, `dead` or `requeued`.
    #[schema(value_type = String, example = "done")]
    state: &'static str,
    /// How often that was tried.
    attempts: u32,
    /// What its last failure was, or why it means nothing for the books.
    #[schema(required)]
    reason: Option<String>,
}

/// A kept delivery with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventDetailShown {
    #[serde(flatten)]
    event: EventShown,
    /// What it is kept once under.
    dedupe_key: String,
    /// A second such key: what is told, whoever carried it.
    #[schema(required)]
    content_key: Option<String>,
    /// What the key is called that it was signed with.
    key_id: String,
    /// When it was signed, where the signature says so.
    #[schema(required, format = DateTime)]
    signed_at: Option<String>,
    /// SHA-256 of the bytes that were verified; it outlives them.
    body_sha256: String,
    /// How many bytes they are; 0 once removed.
    body_bytes: usize,
    /// The bytes themselves as text, when they were asked for with `body=true`, which is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// What was done about it, latest first.
    work: Vec<WorkShown>,
}

/// One piece of work on a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkShown {
    /// What it is called.
    id: String,
    /// `received`, `replay` or `requeue`.
    #[schema(value_type = String, example = "received")]
    cause: &'static str,
    /// How far it is.
    #[schema(value_type = String, example = "done")]
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// What its last failure was, or why it means nothing for the books.
    #[schema(required)]
    reason: Option<String>,
    /// Since when it is there.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was finished.
    #[schema(required, format = DateTime)]
    finished_at: Option<String>,
}

impl From<EventLine> for EventShown {
    fn from(line: EventLine) -> Self {
        Self {
            id: line.id.to_string(),
            source: line.provider.as_str(),
            channel: line.channel,
            transport: line.transport,
            event_type: line.event_type,
            object: line.object,
            occurred_at: line.occurred_at.map(|at| at.to_string()),
            received_at: line.received_at.to_string(),
            redacted_at: line.redacted_at.map(|at| at.to_string()),
            state: line.state.as_str(),
            attempts: line.attempts,
            reason: line.reason,
        }
    }
}

impl From<WorkLine> for WorkShown {
    fn from(work: WorkLine) -> Self {
        Self {
            id: work.id.to_string(),
            cause: work.cause.as_str(),
            state: work.state.as_str(),
            attempts: work.attempts,
            reason: work.reason,
            created_at: work.created_at.to_string(),
            finished_at: work.finished_at.map(|at| at.to_string()),
        }
    }
}

impl EventDetailShown {
    /// The delivery, with its bytes where `with_body`.
    pub(super) fn new(detail: EventDetail, with_body: WithBody) -> Self {
        let body = match with_body {
            WithBody::Yes => Some(String::from_utf8_lossy(&detail.body).into_owned()),
            WithBody::No => None,
        };
        Self {
            event: detail.line.into(),
            dedupe_key: detail.dedupe_key,
            content_key: detail.content_key,
            key_id: detail.key_id,
            signed_at: detail.signed_at.map(|at| at.to_string()),
            body_sha256: detail.body_sha256,
            body_bytes: detail.body.len(),
            body,
            work: detail.work.into_iter().map(WorkShown::from).collect(),
        }
    }
}

/// Whether the bytes of a delivery, which name people and accounts, are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WithBody {
    /// They are.
    Yes,
    /// They are not.
    No,
}
