//! Everything that somebody could send who does not have the key, or who has it and sends it late, twice or bent: each
//! is refused with its reason, keeps nothing, and breaks nothing.

mod alpaca;
mod bridge;
mod circle;
mod size;

use tests::Server;
use tests::providers::SignedRequest;

use crate::admin::{items, read};

/// What is sent, and the reason of the refusal; `None` when it is to be accepted.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) request: SignedRequest,
    pub(crate) reason: Option<&'static str>,
}

pub(crate) fn refused(what: &'static str, request: SignedRequest, reason: &'static str) -> Case {
    Case { what, request, reason: Some(reason) }
}

pub(crate) fn accepted(what: &'static str, request: SignedRequest) -> Case {
    Case { what, request, reason: None }
}

/// What a sender is told to do: 400 for what it can send again with a fresh or a sound signature, 401 for the rest.
fn status_of(reason: &str) -> u16 {
    match reason {
        "malformed" | "stale" | "future" => 400,
        _ => 401,
    }
}

/// Sends each, and reports all that went otherwise at once.
pub(crate) fn judge(server: &Server, cases: Vec<Case>) {
    let kept_before = kept(server);
    let mut faults = Vec::new();
    let mut expected_kept = 0;
    for case in cases {
        let answer = server.deliver(&case.request);
        expected_kept += usize::from(case.reason.is_none());
        let is_right = match case.reason {
            None => answer.status == 200,
            Some(reason) => {
                answer.status == status_of(reason) && answer.problem()["reason"].as_str() == Some(reason)
            }
        };
        if !is_right {
            faults.push(format!(
                "{}: expected {:?}, got {} {}",
                case.what, case.reason, answer.status, answer.body
            ));
        }
        for header in ["alpaca-signature", "x-webhook-signature", "x-circle-signature"] {
            let sent = case.request.headers.iter().find(|(name, _)| name == header);
            let repeats =
                |(_, value): &(String, String)| value.len() > 20 && answer.body.contains(value.as_str());
            assert!(!sent.is_some_and(repeats), "{}: a refusal repeats the signature", case.what);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(kept(server) - kept_before, expected_kept, "what is refused is not kept");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// How many deliveries the inbox holds.
pub(crate) fn kept(server: &Server) -> usize {
    let page = read(server, "/api/admin/webhooks?limit=500");
    items(&page).len()
}

/// The bytes with one bit of the byte in the middle turned.
pub(crate) fn bent(bytes: &[u8]) -> Vec<u8> {
    let mut bent = bytes.to_vec();
    let middle = bent.len() / 2;
    bent[middle] ^= 1;
    bent
}

/// The time in a header that begins with it.
pub(crate) fn time_of(header: &str) -> i64 {
    let time = header.strip_prefix("t=").and_then(|rest| rest.split(',').next());
    time.and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{header}"))
}

/// The text without its last character.
pub(crate) fn without_last(text: &str) -> String {
    let mut text = text.to_owned();
    text.pop();
    text
}
