//! The header `Idempotency-Key`: a repeated request has the same result.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::problem::{Kind, Problem};

const NAME: &str = "idempotency-key";
/// Most characters of a key.
const CHARS_MAX: usize = 255;

/// The key of a request that makes something, chosen by the client.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyKey(pub(super) String);

/// There is no key, or none that is valid.
pub(super) fn missing() -> Problem {
    let detail = "send one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID: a repeated request with it has the \
        same result";
    Problem::new(Kind::BadRequest, detail)
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(NAME).iter();
        let key = values.next().and_then(|value| value.to_str().ok());
        let is_key = |key: &&str| {
            (1..=CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match (key.filter(is_key), values.next()) {
            (Some(key), None) => Ok(Self(key.to_owned())),
            _ => Err(missing()),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(NAME) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}
