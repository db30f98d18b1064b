//! The `{symbol}` of a path.

use axum::extract::{FromRequestParts, Path};
use domain::Symbol;
use http::request::Parts;

use crate::problem::{Kind, Problem};

/// A ticker in the path. Other text is refused with 400 before any lookup.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SymbolPath(pub Symbol);

impl<S: Send + Sync> FromRequestParts<S> for SymbolPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let refuse =
            || Problem::new(Kind::InvalidSymbol, domain::SymbolError.to_string()).with("parameter", "symbol");
        // The last segment in every path that has one. Nearly all need no decoding.
        let segment = parts.uri.path().rsplit('/').next().unwrap_or_default();
        if !segment.contains('%') {
            return segment.parse().map(Self).map_err(|_| refuse());
        }
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| refuse())?;
        text.parse().map(Self).map_err(|_| refuse())
    }
}
