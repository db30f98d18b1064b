//! Bridge: RSA over a digest.

use jiff::Timestamp;
use serde_json::Value;
use webhooks::bridge::{SIGNATURE_HEADER, verify};
use webhooks::{Delivery, Endpoint, KeyFormat, Keys, KeysError, Rejection, Settings};

use crate::signed;

pub(crate) fn keys() -> Keys {
    Keys::parse(KeyFormat::RsaPublicKeys, signed::text(&signed::scheme("bridge")["keys"])).unwrap()
}

pub(crate) fn endpoint() -> Endpoint {
    "bridge".parse().unwrap()
}

fn run(case: &Value) -> Result<Delivery, Rejection> {
    let headers = signed::headers(SIGNATURE_HEADER, &case["headers"]);
    let now = Timestamp::from_millisecond(case["now"].as_i64().unwrap()).unwrap();
    verify(&keys(), &Settings::default(), endpoint(), &headers, signed::base64(&case["body"]), now)
}

#[test]
fn every_signed_delivery_has_its_outcome() {
    signed::every_case("bridge", |case| signed::outcome(&run(case)));
}

#[test]
fn a_delivery_says_what_its_receiver_must_know() {
    let delivery = run(signed::case("bridge", "by another endpoint's key that is ours too")).unwrap();
    assert_eq!(delivery.channel(), "bridge".parse().unwrap());
    assert_eq!(delivery.dedupe_key(), "bridge/wh_t8TAhPPYrRV2v8Asi9ed3sw");
    assert_eq!(delivery.event_type(), "virtual_account.activity.created");
    assert_eq!(delivery.resource(), "fecffc8b-ed5e-48ae-bd24-b36268330b32");
    assert_eq!(delivery.occurred_at(), Some("2026-01-02T15:04:04.978Z".parse().unwrap()));
    assert_eq!(delivery.signed_at(), Some("2026-01-02T15:04:05Z".parse().unwrap()));
    assert_eq!(delivery.key_id(), "deposits");
    let unknown = run(signed::case("bridge", "a body of unknown shape")).unwrap();
    assert_eq!(unknown.event_type(), "unknown");
    assert!(unknown.dedupe_key().starts_with("bridge/sha256:"));
}

#[test]
fn nobody_is_shown_what_a_body_says() {
    let delivery = run(signed::case("bridge", "signed twice over")).unwrap();
    let shown = format!("{delivery:?}");
    assert!(shown.contains("body_bytes"));
    assert!(!shown.contains("1970.0") && !shown.contains("6ed47d9c"), "{shown}");
}

#[test]
fn keys_are_read_strictly() {
    let all = signed::text(&signed::scheme("bridge")["keys"]);
    assert_eq!(keys().labels().collect::<Vec<_>>(), ["key1", "deposits", "old", "long"]);
    let end = "-----END PUBLIC KEY-----";
    let one = format!("{}{end}\n", all.split(end).next().unwrap());
    let private = one.replace("PUBLIC", "PRIVATE");
    for (text, expected) in [
        (one.clone(), Ok(1)),
        (one.replace('\n', "\\n"), Ok(1)),
        (one.replace('\n', "\r\n"), Ok(1)),
        (String::new(), Err(KeysError::Empty)),
        ("hello".to_owned(), Err(KeysError::Attribute(1))),
        (one.replace("MIIB", "MIIC"), Err(KeysError::PublicKey(1))),
        (private, Err(KeysError::PublicKey(1))),
        (one.replace(end, ""), Err(KeysError::PublicKey(1))),
        (format!("{one}label=a"), Err(KeysError::PublicKey(2))),
        // Behind its key it would limit nothing.
        (format!("{one}not_after=2026-01-01T00:00:00Z"), Err(KeysError::PublicKey(2))),
        (format!("label=a\n{one}label=a\n{one}"), Err(KeysError::DuplicateLabel(2))),
        (one.repeat(17), Err(KeysError::TooMany)),
    ] {
        let got = Keys::parse(KeyFormat::RsaPublicKeys, &text).map(|keys| keys.labels().count());
        assert_eq!(got, expected, "{text}");
    }
    assert_eq!(
        keys().and_earlier(Keys::parse(KeyFormat::RsaPublicKeys, &one).unwrap()).unwrap().labels().count(),
        4
    );
}
