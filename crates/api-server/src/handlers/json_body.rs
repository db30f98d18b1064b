//! Parses a JSON body strictly: its media type, its syntax, then its fields.

use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::problem::{Kind, Problem};

/// Longest part of the parser's message in a response.
const DETAIL_CHARS_MAX: usize = 300;

/// A body of `application/json` that is an object. Duplicate fields are rejected; the type itself rejects unknown fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        parse(&read(request, state).await?).map(Self)
    }
}

/// The text of the body, which is not parsed.
pub(crate) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    check_media_type(request.headers())?;
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::PayloadTooLarge, "the body is too large"),
        _ => Problem::new(Kind::BadRequest, "the body is incomplete or malformed"),
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail| Err(Problem::new(Kind::UnsupportedMediaType, detail));
    let is_encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity");
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match media_type.map(is_json) {
        Some(true) if !is_encoded => Ok(()),
        Some(true) => refuse("a body with a content encoding is not accepted"),
        Some(false) | None => refuse("the body must be application/json in UTF-8"),
    }
}

fn is_json(media_type: &str) -> bool {
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let parameters = parameters.trim();
    let is_utf8 = ["", "charset=utf-8", "charset=\"utf-8\""]
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(parameters));
    essence.trim().eq_ignore_ascii_case("application/json") && is_utf8
}

/// Text that is not JSON is a bad request; JSON with unexpected fields is unprocessable.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // The parser would accept a list in place of an object, with items as fields in their order and the rest as defaults.
    if body.trim_ascii_start().starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        return Err(Problem::new(Kind::Unprocessable, "body: must be an object").with("parameter", "body"));
    }
    serde_json::from_slice(body).map_err(|error| {
        // The parser reports some invalid values as invalid syntax, so the syntax is checked separately.
        let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
        let (line, column) = (error.line(), error.column());
        match is_json {
            true => {
                // The message quotes the client's own names and texts, of any length.
                let detail: String = format!("body: {error}").chars().take(DETAIL_CHARS_MAX).collect();
                Problem::new(Kind::Unprocessable, detail).with("parameter", "body")
            }
            false => Problem::new(
                Kind::BadRequest,
                format!("the body is not valid JSON: line {line}, column {column}"),
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        #[expect(dead_code, reason = "the test checks only whether it parses")]
        x: f64,
    }

    #[test]
    fn broken_text_is_400_and_wrong_fields_are_422() {
        let deep = "[".repeat(100_000);
        for (body, expected) in [
            (r#"{"x":1}"#, None),
            (r#"{"x":-0}"#, None),
            ("", Some(Kind::BadRequest)),
            ("{", Some(Kind::BadRequest)),
            (r#"{"x":1}x"#, Some(Kind::BadRequest)),
            (r#"{"x":NaN}"#, Some(Kind::BadRequest)),
            (r#"{"x":1e400}"#, Some(Kind::Unprocessable)),
            (deep.as_str(), Some(Kind::BadRequest)),
            (r#"{"x":"1"}"#, Some(Kind::Unprocessable)),
            (r#"{"x":1,"y":1}"#, Some(Kind::Unprocessable)),
            (r#"{"x":1,"x":1}"#, Some(Kind::Unprocessable)),
            ("{}", Some(Kind::Unprocessable)),
            ("null", Some(Kind::Unprocessable)),
            ("[1]", Some(Kind::Unprocessable)),
            (" [1]", Some(Kind::Unprocessable)),
            ("[1", Some(Kind::BadRequest)),
        ] {
            let kind = parse::<Point>(body.as_bytes()).err().map(|problem| problem.kind);
            assert_eq!(kind, expected, "{:.20}", body);
        }
    }

    #[test]
    fn a_long_name_or_text_is_not_sent_back_whole() {
        let long = "y".repeat(1_000_000);
        for body in [format!("{{\"{long}\":1}}"), format!("{{\"x\":\"{long}\"}}")] {
            let problem = parse::<Point>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.detail.chars().count(), DETAIL_CHARS_MAX);
        }
    }

    #[test]
    fn only_json_is_json() {
        for (media_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=utf-8", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            assert_eq!(is_json(media_type), expected, "{media_type}");
        }
    }
}
