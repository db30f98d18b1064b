//! `POST /api/admin/retention/run`: removes bodies of events after their retention, without waiting for the worker.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Provider;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Operator;
use crate::handlers::JsonBody;
use crate::problem::Problem;
use crate::schemas::Problems;
use crate::state::AdminState;

/// Most batches of one request. The next request or the worker removes the rest.
const BATCHES_MAX: u32 = 20;

/// The options of a retention run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionRequest {
    /// Count the bodies without removing them.
    #[serde(default)]
    dry_run: bool,
}

/// The result of a retention run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionResponse {
    providers: Vec<ProviderRetention>,
    /// Whether this was a dry run.
    dry_run: bool,
    /// Whether there may be more to remove.
    is_more: bool,
}

/// The removed bodies of one provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderRetention {
    #[schema(value_type = Provider)]
    provider: &'static str,
    /// Bodies received before this time are removed.
    #[schema(format = DateTime)]
    received_before: String,
    /// Bodies that were, or in a dry run would be, removed.
    events: u64,
}

/// Remove bodies after their retention
///
/// The settings `WEBHOOK_RETENTION_DAYS_…` say how long bodies are stored. Hashes and ids are kept, so that duplicates are
/// still recognized.
#[utoipa::path(
    post,
    path = "/api/admin/retention/run",
    operation_id = "runRetention",
    tag = "admin",
    request_body = RetentionRequest,
    responses((status = 200, description = "The number of bodies of each provider", body = RetentionResponse), Problems)
)]
pub(crate) async fn run(
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    JsonBody(RetentionRequest { dry_run }): JsonBody<RetentionRequest>,
) -> Result<Json<RetentionResponse>, Problem> {
    let now = state.clock.now();
    let (mut providers, mut batches_left) = (Vec::new(), BATCHES_MAX);
    for provider in Provider::ALL {
        let received_before = state.intake.settings.received_before(provider, now);
        let events = if dry_run {
            state.store().count_redactable(provider, received_before).await?
        } else {
            redact(&state, provider, received_before, &operator, &mut batches_left).await?
        };
        let (provider, received_before) = (provider.as_str(), received_before.to_string());
        providers.push(ProviderRetention { provider, received_before, events });
    }
    Ok(Json(RetentionResponse { providers, dry_run, is_more: batches_left == 0 }))
}

/// Removes bodies while batches are left; returns how many.
async fn redact(
    state: &AdminState,
    provider: Provider,
    received_before: Timestamp,
    operator: &Operator,
    batches_left: &mut u32,
) -> Result<u64, Problem> {
    let mut events = 0;
    while *batches_left > 0 {
        *batches_left -= 1;
        let now = state.clock.now();
        match state.store().redact(provider, received_before, operator.actor(), now).await? {
            0 => break,
            redacted => events += u64::from(redacted),
        }
    }
    Ok(events)
}
