//! `GET /api/admin/reconciliations`: how the books compare with the statements of providers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Provider;
use serde::Serialize;
use store::ReconciliationRun;
use utoipa::ToSchema;

use crate::handlers::Parameters;
use crate::problem::Problem;
use crate::schemas::Problems;
use crate::state::AdminState;

/// The latest reconciliation of each provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReconciliationsResponse {
    /// In the order of the providers' names; those that were never reconciled are not listed.
    reconciliations: Vec<ReconciliationResponse>,
}

/// A comparison of a provider's statement with the books.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReconciliationResponse {
    provider: Provider,
    /// The first day in UTC.
    #[schema(format = Date)]
    from: String,
    /// The last day in UTC.
    #[schema(format = Date)]
    to: String,
    /// When the statement was read.
    #[schema(format = DateTime)]
    at: String,
    /// Whether every list was read that is needed; the others have a review.
    is_complete: bool,
    /// Lines that are equal.
    matched: u64,
    /// Lines that the books do not have.
    missing_here: u64,
    /// Lines that the provider does not have.
    missing_there: u64,
    /// Lines with other values.
    different: u64,
    /// Lines that are too young to be a difference.
    in_progress: u64,
    /// Lines that people post by hand.
    not_compared: u64,
}

impl ReconciliationResponse {
    fn new(run: ReconciliationRun, is_complete: bool) -> Self {
        Self {
            is_complete,
            provider: run.provider,
            from: run.from.to_string(),
            to: run.to.to_string(),
            at: run.at.to_string(),
            matched: run.matched,
            missing_here: run.missing_here,
            missing_there: run.missing_there,
            different: run.different,
            in_progress: run.in_progress,
            not_compared: run.not_compared,
        }
    }
}

/// The latest reconciliation of each provider
///
/// Each difference is a review of the kind `reconciliation`.
#[utoipa::path(
    get,
    path = "/api/admin/reconciliations",
    operation_id = "listReconciliations",
    tag = "admin",
    responses((status = 200, description = "The reconciliations", body = ReconciliationsResponse), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<ReconciliationsResponse>, Problem> {
    parameters.allow_only(&[])?;
    let (runs, complete) = (
        state.store().latest_reconciliations().await?,
        state.store().latest_complete_reconciliations().await?,
    );
    let respond = |run: ReconciliationRun| {
        let is_complete = complete.get(&run.provider) == Some(&run.at);
        ReconciliationResponse::new(run, is_complete)
    };
    Ok(Json(ReconciliationsResponse { reconciliations: runs.into_iter().map(respond).collect() }))
}
