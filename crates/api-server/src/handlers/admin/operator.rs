//! The operator behind a request, for the audit chain.

use axum::extract::FromRequestParts;
use http::request::Parts;
use store::{Actor, Maker};

use super::idempotency_key::IdempotencyKey;
use crate::problem::Problem;
use crate::request_context::{Credential, RequestContext};
use crate::state::AdminState;

/// The API key, by its label, and the request.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    name: String,
    request_id: Option<String>,
}

impl Operator {
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, request_id: self.request_id.as_deref() }
    }

    /// The operator as the maker of a journal.
    pub(super) fn maker<'a>(&'a self, key: &'a IdempotencyKey, state: &AdminState) -> Maker<'a> {
        Maker { actor: self.actor(), idempotency_key: &key.0, approval_above: state.journal_approval_above }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = RequestContext::get(&parts.extensions)?;
        let name = match context.caller.get().map(|caller| &caller.credential) {
            Some(Credential::Key(key)) => format!("key:{}", key.label()),
            Some(Credential::Bootstrap) => "bootstrap".to_owned(),
            Some(Credential::Open) | None => "open".to_owned(),
        };
        Ok(Self { name, request_id: context.id.get().map(|id| id.as_str().to_owned()) })
    }
}
