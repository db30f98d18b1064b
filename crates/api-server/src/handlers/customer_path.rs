//! The customer in a path.

use axum::extract::{FromRequestParts, Path};
use domain::{CustomerId, CustomerIdError};
use http::request::Parts;

use super::parameters::unprocessable;
use crate::problem::Problem;

/// The customer in the path, such as `c-1042`. It is checked before the body is read.
#[derive(Clone, Debug)]
pub(crate) struct CustomerPath(pub(crate) CustomerId);

impl<S: Send + Sync> FromRequestParts<S> for CustomerPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| unprocessable("customer", error.body_text()))?;
        id.parse().map(Self).map_err(|error: CustomerIdError| unprocessable("customer", error.to_string()))
    }
}
