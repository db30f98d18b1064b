//! Who reads books, and of which accounts.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::AccountScope;
use http::request::Parts;

use crate::auth_events::AuthEvent;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;
use crate::state::AdminState;

/// The reader of a route that shows books. The store shows nothing without a scope, and each read is counted for the audit chain.
#[derive(Clone, Debug)]
pub(crate) struct BookReader {
    /// The accounts that the reader may see. Whatever is outside it is treated as unknown.
    pub(crate) scope: Arc<AccountScope>,
    /// The name of its key; empty on an open server.
    pub(crate) name: String,
}

impl FromRequestParts<Arc<AdminState>> for BookReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AdminState>) -> Result<Self, Problem> {
        let context = RequestContext::get(&parts.extensions)?;
        let caller = context.caller.get();
        let caller = caller.ok_or_else(|| Problem::new(Kind::Internal, "the request has no caller"))?;
        let name = caller.key.as_ref().map(|key| key.label().to_string()).unwrap_or_default();
        if let Some(key) = &caller.key {
            state.auth_events.record(AuthEvent::BooksRead(Some(key.label())));
        }
        Ok(Self { scope: Arc::clone(&caller.scope), name })
    }
}
