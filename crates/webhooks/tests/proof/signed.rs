//! The signed deliveries, and how they are handed to the functions under test.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use webhooks::Rejection;

static SIGNED: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../tests/fixtures/webhooks/signed.json")).unwrap()
});

/// The deliveries of one signature scheme.
pub(crate) fn scheme(name: &str) -> &'static Value {
    &SIGNED[name]
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub(crate) fn base64(value: &Value) -> Bytes {
    STANDARD.decode(text(value)).unwrap().into()
}

pub(crate) fn seconds(value: &Value) -> Timestamp {
    Timestamp::from_second(value.as_i64().unwrap()).unwrap()
}

/// Each of `values` as one line of header `name`.
pub(crate) fn headers(name: &str, values: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values.as_array().unwrap() {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(text(value)).unwrap());
    }
    headers
}

/// The outcome as the fixtures name it.
pub(crate) fn outcome<T>(result: &Result<T, Rejection>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(rejection) => rejection.reason(),
    }
}

/// Runs `check` on every case of `scheme`, and reports all with another outcome than expected.
pub(crate) fn every_case(scheme: &str, check: impl Fn(&Value) -> &'static str) {
    let cases = self::scheme(scheme)["cases"].as_array().unwrap();
    let wrong: Vec<String> = cases
        .iter()
        .filter(|case| check(case) != text(&case["outcome"]))
        .map(|case| format!("{}: expected {}, got {}", case["name"], case["outcome"], check(case)))
        .collect();
    assert!(cases.len() > 30, "{scheme} has cases");
    assert_eq!(wrong, Vec::<String>::new());
}

/// The case of this name.
pub(crate) fn case(scheme: &str, name: &str) -> &'static Value {
    let cases = self::scheme(scheme)["cases"].as_array().unwrap();
    cases.iter().find(|case| case["name"] == name).unwrap()
}
