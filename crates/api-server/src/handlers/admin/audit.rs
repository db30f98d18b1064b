//! `GET /api/admin/audit/verify`: verifies the audit chain.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::VerifyError;
use telemetry::with_causes;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::handlers::Parameters;
use crate::problem::{Kind, Problem};
use crate::schemas::Problems;
use crate::state::AdminState;

/// Allows one verification at a time, because each reads the whole chain.
static VERIFYING: Mutex<()> = Mutex::const_new(());
/// `Retry-After` of a second verification, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// The result of a verification of the audit chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditResponse {
    /// Whether every entry is unchanged and none is missing.
    is_intact: bool,
    /// Verified entries; 0 if the chain is not intact.
    entries: u64,
    /// The first damage, or the key without which the chain cannot be verified.
    #[schema(required)]
    fault: Option<String>,
}

/// Verify the whole audit chain
///
/// Reads every entry. A chain of millions of entries may exceed the time limit of a request; use `investiq audit verify` instead.
#[utoipa::path(
    get,
    path = "/api/admin/audit/verify",
    operation_id = "verifyAuditChain",
    tag = "admin",
    responses((status = 200, description = "The result", body = AuditResponse), Problems)
)]
pub(crate) async fn verify(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<AuditResponse>, Problem> {
    parameters.allow_only(&[])?;
    let Ok(_guard) = VERIFYING.try_lock() else {
        return Err(Problem::new(Kind::Overloaded, "another verification of the audit chain is in progress")
            .retry_after_s(RETRY_AFTER_S));
    };
    match state.store().verify_audit(None, |_, _| {}).await {
        Ok(verified) => Ok(Json(AuditResponse { is_intact: true, entries: verified.entries, fault: None })),
        Err(VerifyError::Unread(error)) => Err(error.into()),
        Err(damage @ (VerifyError::Damaged(_) | VerifyError::NoHead)) => {
            let fault = with_causes(&damage);
            tracing::error!(fault, "audit chain is damaged");
            Ok(Json(AuditResponse { is_intact: false, entries: 0, fault: Some(fault) }))
        }
        Err(missing @ VerifyError::KeyMissing(_)) => {
            let fault = with_causes(&missing);
            tracing::error!(fault, "audit key is missing");
            Ok(Json(AuditResponse { is_intact: false, entries: 0, fault: Some(fault) }))
        }
    }
}
