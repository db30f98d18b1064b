//! Who asks, as the audit chain names them.

use axum::extract::FromRequestParts;
use http::request::Parts;
use store::Actor;

use crate::layers::api_key::Caller;
use crate::layers::exchange::Exchange;
use crate::layers::request_id::RequestId;
use crate::problem::{Kind, Problem};

/// Who asks: the label of the key, which tells nothing of its text, and the request.
#[derive(Clone, Debug)]
pub struct Operator {
    name: String,
    request_id: Option<String>,
}

impl Operator {
    /// As the audit chain names them.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, request_id: self.request_id.as_deref() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let exchange = parts.extensions.get::<Exchange>();
        let exchange =
            exchange.ok_or_else(|| Problem::new(Kind::Internal, "the request came over no connection"))?;
        let key = exchange.caller().and_then(Caller::key);
        let name = key.map_or_else(|| "open".to_owned(), |key| format!("key:{}", key.label()));
        Ok(Self { name, request_id: exchange.id().map(RequestId::as_str).map(str::to_owned) })
    }
}
