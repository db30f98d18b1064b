//! The id in the path of a stored object.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use store::IdError;

use super::parameters::unprocessable;
use crate::problem::Problem;

/// The id in the path, such as `42`. It is checked before the body is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr<Err = IdError>, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| unprocessable("id", error.body_text()))?;
        id.parse().map(Self).map_err(|error: IdError| unprocessable("id", error.to_string()))
    }
}
