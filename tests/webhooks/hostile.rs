//! Forged, modified, late and repeated deliveries: each is rejected with its reason, stores nothing, and breaks nothing.

mod alpaca;
mod bridge;
mod circle;
mod size;

use tests::Server;
use tests::providers::SignedRequest;

use crate::admin::{get_json, items};

/// A delivery and the reason of its rejection; `None` when it must be accepted.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) request: SignedRequest,
    pub(crate) reason: Option<&'static str>,
}

pub(crate) fn rejected(what: &'static str, request: SignedRequest, reason: &'static str) -> Case {
    Case { what, request, reason: Some(reason) }
}

pub(crate) fn accepted(what: &'static str, request: SignedRequest) -> Case {
    Case { what, request, reason: None }
}

/// 400 where the sender can retry with a well-formed or fresh signature, else 401.
fn status_of(reason: &str) -> u16 {
    match reason {
        "malformed" | "stale" | "future" => 400,
        _ => 401,
    }
}

/// Delivers each, and reports all unexpected responses at once.
pub(crate) fn check_cases(server: &Server, cases: Vec<Case>) {
    let events_before = event_count(server);
    let mut failures = Vec::new();
    let mut events_expected = 0;
    for case in cases {
        let response = server.deliver(&case.request);
        events_expected += usize::from(case.reason.is_none());
        let is_right = match case.reason {
            None => response.status == 200,
            Some(reason) => {
                response.status == status_of(reason) && response.problem()["reason"].as_str() == Some(reason)
            }
        };
        if !is_right {
            failures.push(format!(
                "{}: expected {:?}, got {} {}",
                case.what, case.reason, response.status, response.body
            ));
        }
        for header in ["alpaca-signature", "x-webhook-signature", "x-circle-signature"] {
            let signature = case.request.headers.iter().find(|(name, _)| name == header);
            let repeats =
                |(_, value): &(String, String)| value.len() > 20 && response.body.contains(value.as_str());
            assert!(!signature.is_some_and(repeats), "{}: the response repeats the signature", case.what);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(event_count(server) - events_before, events_expected, "rejected deliveries are not stored");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Events in the inbox.
pub(crate) fn event_count(server: &Server) -> usize {
    let page = get_json(server, "/api/admin/webhooks?limit=500");
    items(&page).len()
}

/// Flips one bit of the byte in the middle.
pub(crate) fn flip_bit(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

/// The time at the beginning of a header.
pub(crate) fn time_of(header: &str) -> i64 {
    let time = header.strip_prefix("t=").and_then(|rest| rest.split(',').next());
    time.and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{header}"))
}

pub(crate) fn without_last(text: &str) -> String {
    let mut text = text.to_owned();
    text.pop();
    text
}
