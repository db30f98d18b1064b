//! The operator behind a request, for the audit chain.

use axum::extract::FromRequestParts;
use http::request::Parts;
use store::Actor;

use crate::problem::Problem;
use crate::request_context::RequestContext;

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
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = RequestContext::get(&parts.extensions)?;
        let name = context.key().map_or_else(|| "open".to_owned(), |key| format!("key:{}", key.label()));
        Ok(Self { name, request_id: context.id.get().map(|id| id.as_str().to_owned()) })
    }
}
