//! Events and jobs in responses.

use domain::Provider;
use serde::Serialize;
use store::{EventDetail, EventSummary, JobSummary};
use utoipa::ToSchema;

use crate::schemas;

/// The value of `before` for the next page; `None` if the page is not full.
pub(super) fn next_page<T, I: ToString>(page: &[T], rows: u32, id: impl FnOnce(&T) -> I) -> Option<String> {
    page.last().filter(|_| page.len() == rows as usize).map(|last| id(last).to_string())
}

/// An event without its body.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventResponse {
    #[schema(value_type = schemas::EventId)]
    id: String,
    #[schema(value_type = Provider)]
    provider: &'static str,
    #[schema(example = "alpaca/trade")]
    channel: String,
    /// `webhook` or `stream`.
    transport: String,
    /// The event type, as the provider names it.
    event_type: String,
    /// The resource that the event is about.
    resource: String,
    /// When the event happened, if known.
    #[schema(required, format = DateTime)]
    occurred_at: Option<String>,
    #[schema(format = DateTime)]
    received_at: String,
    /// When the body was removed.
    #[schema(required, format = DateTime)]
    redacted_at: Option<String>,
    /// The state of the latest job.
    #[schema(value_type = schemas::JobState)]
    state: &'static str,
    /// Attempts of the latest job.
    attempts: u32,
    /// Why the latest job failed, or why the event has no effect.
    #[schema(required)]
    reason: Option<String>,
}

/// An event with all its stored data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventDetailResponse {
    #[serde(flatten)]
    event: EventResponse,
    /// Deliveries with the same key are one event.
    dedupe_key: String,
    /// A second deduplication key, which is the same for every transport.
    #[schema(required)]
    content_key: Option<String>,
    /// The label of the key that verified the delivery.
    key_id: String,
    /// When the delivery was signed, if known.
    #[schema(required, format = DateTime)]
    signed_at: Option<String>,
    /// SHA-256 of the body; it is kept after the body is removed.
    body_sha256: String,
    /// Size of the body; 0 once it is removed.
    body_bytes: usize,
    /// The body as text, if requested with `body=true`, which is recorded in the audit chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Latest first.
    jobs: Vec<JobResponse>,
}

/// A job that applies an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobResponse {
    #[schema(value_type = schemas::JobId)]
    id: String,
    #[schema(value_type = schemas::JobCause)]
    cause: &'static str,
    #[schema(value_type = schemas::JobState)]
    state: &'static str,
    attempts: u32,
    /// Why the job failed, or why the event has no effect.
    #[schema(required)]
    reason: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    finished_at: Option<String>,
}

impl From<EventSummary> for EventResponse {
    fn from(event: EventSummary) -> Self {
        Self {
            id: event.id.to_string(),
            provider: event.provider.as_str(),
            channel: event.channel,
            transport: event.transport,
            event_type: event.event_type,
            resource: event.resource,
            occurred_at: event.occurred_at.map(|at| at.to_string()),
            received_at: event.received_at.to_string(),
            redacted_at: event.redacted_at.map(|at| at.to_string()),
            state: event.state.into(),
            attempts: event.attempts,
            reason: event.reason,
        }
    }
}

impl From<JobSummary> for JobResponse {
    fn from(job: JobSummary) -> Self {
        Self {
            id: job.id.to_string(),
            cause: job.cause.into(),
            state: job.state.into(),
            attempts: job.attempts,
            reason: job.reason,
            created_at: job.created_at.to_string(),
            finished_at: job.finished_at.map(|at| at.to_string()),
        }
    }
}

impl EventDetailResponse {
    pub(super) fn new(detail: EventDetail, body: Option<String>) -> Self {
        Self {
            event: detail.summary.into(),
            dedupe_key: detail.dedupe_key,
            content_key: detail.content_key,
            key_id: detail.key_id,
            signed_at: detail.signed_at.map(|at| at.to_string()),
            body_sha256: detail.body_sha256,
            body_bytes: detail.body.len(),
            body,
            jobs: detail.jobs.into_iter().map(JobResponse::from).collect(),
        }
    }
}
