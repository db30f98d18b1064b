//! `GET /api/admin/audit/verify`: whether the audit chain is whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::VerifyError;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::handlers::Parameters;
use crate::logs::with_causes;
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};
use crate::state::Books;

/// One check at a time: each reads the whole chain.
static CHECKING: Mutex<()> = Mutex::const_new(());
/// What a second one is told to wait.
const RETRY_AFTER_S: u64 = 5;

/// What a check of the chain found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditAnswer {
    /// Whether every entry is as it was written, and none is missing.
    is_whole: bool,
    /// Entries that were checked; 0 when something is wrong.
    entries: u64,
    /// The first thing that is wrong.
    #[schema(required)]
    fault: Option<String>,
}

/// Check the whole audit chain
///
/// It reads every entry. A chain of millions takes longer than a request may: `investiq audit verify` has no such limit.
#[utoipa::path(
    get,
    path = "/api/admin/audit/verify",
    tag = "admin",
    responses((status = 200, description = "What was found", body = AuditAnswer), Problems)
)]
pub async fn verify(
    parameters: Parameters,
    State(books): State<Arc<Books>>,
) -> Result<Json<AuditAnswer>, Problem> {
    parameters.only(&[])?;
    let Ok(_alone) = CHECKING.try_lock() else {
        return Err(Problem::new(Kind::Overloaded, "the audit chain is being checked; one check at a time")
            .retry_after_s(RETRY_AFTER_S));
    };
    match books.store().verify_audit(None, |_, _| {}).await {
        Ok(verified) => Ok(Json(AuditAnswer { is_whole: true, entries: verified.entries, fault: None })),
        Err(VerifyError::Unread(error)) => Err(error.into()),
        Err(wrong @ (VerifyError::Damaged(_) | VerifyError::NoHead)) => {
            let fault = with_causes(&wrong);
            tracing::error!(fault, "THE AUDIT CHAIN IS NOT WHOLE");
            Ok(Json(AuditAnswer { is_whole: false, entries: 0, fault: Some(fault) }))
        }
    }
}
