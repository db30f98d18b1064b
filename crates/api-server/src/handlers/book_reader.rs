//! Who reads books, and of which accounts.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::AccountScope;
use http::request::Parts;
use store::Store;

use crate::auth_events::AuthEvent;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;
use crate::state::AdminState;

/// The reader of a route that shows books. The store shows nothing without a list of accounts, and each read is counted for the audit chain.
#[derive(Clone, Debug)]
pub(crate) struct BookReader {
    /// The accounts that the reader may see. Whatever is outside them is treated as unknown.
    pub(crate) accounts: Arc<AccountScope>,
    /// The name of its key; empty on an open server.
    pub(crate) name: String,
    /// Where its books are read: the standby, if there is one, for keys that change nothing. Others see what they wrote.
    pub(crate) store: Store,
}

impl FromRequestParts<Arc<AdminState>> for BookReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AdminState>) -> Result<Self, Problem> {
        let context = RequestContext::get(&parts.extensions)?;
        let caller = context.caller.get();
        let caller = caller.ok_or_else(|| Problem::new(Kind::Internal, "the request has no caller"))?;
        let name = caller.key().map(|key| key.label().to_string()).unwrap_or_default();
        if let Some(key) = caller.key() {
            state.auth_events.record(AuthEvent::BooksRead(Some(key.label())));
        }
        // What was recorded by a time that the standby has not reached would change.
        let is_of_past = parts.uri.query().is_some_and(|query| query.contains("known_at"));
        let reads_standby = caller.scopes.only_read() && !is_of_past;
        let standby = state.store().on_standby(state.clock.now()).filter(|_| reads_standby);
        let store = match standby {
            Some((store, as_of)) => {
                context.data_as_of.get_or_init(|| as_of);
                store
            }
            None => state.store().clone(),
        };
        Ok(Self { accounts: Arc::clone(&caller.accounts), name, store })
    }
}
