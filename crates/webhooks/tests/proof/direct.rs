//! Circle v2: ECDSA over the body.

use http::HeaderMap;
use serde_json::Value;
use webhooks::circle::System;
use webhooks::circle::direct::{KEY_ID_HEADER, PublicKey, SIGNATURE_HEADER, key_id, verify};
use webhooks::{Delivery, Rejection};

use crate::signed;

pub(crate) fn key() -> PublicKey {
    PublicKey::parse(signed::text(&signed::scheme("direct")["key"]).as_bytes()).unwrap()
}

pub(crate) fn headers(case: &Value) -> HeaderMap {
    let mut headers = signed::headers(SIGNATURE_HEADER, &case["signatures"]);
    headers.extend(signed::headers(KEY_ID_HEADER, &case["key_ids"]));
    headers
}

fn run(case: &Value) -> Result<Delivery, Rejection> {
    verify(&key(), &headers(case), signed::base64(&case["body"]))
}

#[test]
fn every_signed_delivery_has_its_outcome() {
    signed::every_case("direct", |case| signed::outcome(&run(case)));
}

#[test]
fn nothing_is_asked_for_a_malformed_key_id_or_signature() {
    for case in signed::scheme("direct")["cases"].as_array().unwrap() {
        let is_refused_before = key_id(&headers(case)).is_err();
        let expected = matches!(signed::text(&case["outcome"]), "missing" | "malformed");
        // What is wrong with a body is seen after its signature.
        let of_body = case["name"] == "a body that is not UTF-8";
        assert_eq!(is_refused_before, expected && !of_body, "{}", case["name"]);
    }
}

#[test]
fn a_twin_of_a_signature_has_no_second_effect() {
    let of = |name| run(signed::case("direct", name)).unwrap().dedupe_key().to_owned();
    assert_eq!(of("its low twin"), of("its high twin"));
    assert_eq!(
        of("signed"),
        "circle/direct/0c61de4f-cce7-4a2e-bf1b-1d5a2b8f5a10/3a4d2a4a-8d0c-4b7e-9b0a-6f0e3b4f5a11/transactions.inbound"
    );
}

#[test]
fn a_delivery_says_what_its_receiver_must_know() {
    let delivery = run(signed::case("direct", "signed")).unwrap();
    assert_eq!(delivery.channel(), "circle/direct".parse().unwrap());
    assert_eq!(delivery.event_type(), "transactions.inbound");
    assert_eq!(delivery.resource(), "e2cde5d2-edf9-5343-b13b-7172e1949501");
    assert_eq!(delivery.key_id(), key().id().as_str());
    assert_eq!(delivery.signed_at(), None);
    assert_eq!(delivery.occurred_at(), Some("2026-01-02T15:04:05.779834211Z".parse().unwrap()));
    assert_eq!(delivery.proof_headers().len(), 2);
}

#[test]
fn answers_that_hold_no_key_on_p256_are_refused() {
    for (name, answer) in signed::scheme("direct")["refused_keys"].as_object().unwrap() {
        let got = PublicKey::parse(signed::text(answer).as_bytes());
        assert_eq!(got.err().map(|rejection| rejection.reason()), Some("malformed"), "{name}");
    }
}

#[test]
fn a_key_is_read_back_from_what_it_says_of_itself() {
    let key = key();
    let again = PublicKey::new(key.id().as_str(), key.algorithm(), &key.base64()).unwrap();
    let signed = signed::case("direct", "signed");
    assert!(verify(&again, &headers(signed), signed::base64(&signed["body"])).is_ok());
    for (algorithm, base64) in [("ECDSA_SHA_512", &*key.base64()), ("ECDSA_SHA_256", ""), ("", "")] {
        assert!(PublicKey::new(key.id().as_str(), algorithm, base64).is_err(), "{algorithm}");
    }
}

#[test]
fn the_two_systems_are_distinguished() {
    let signed = headers(signed::case("direct", "signed"));
    let sns = br#"{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:1:a"}"#;
    assert_eq!(System::detect(&signed, b"{}"), System::Direct);
    // A body of Circle Mint does not hide a header of Circle v2.
    assert_eq!(System::detect(&signed, sns), System::Direct);
    assert_eq!(System::detect(&HeaderMap::new(), sns), System::Sns);
    assert_eq!(System::detect(&HeaderMap::new(), b"{}"), System::Direct);
    assert_eq!(System::detect(&HeaderMap::new(), b"\xff"), System::Direct);
}
