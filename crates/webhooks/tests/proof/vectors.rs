//! What vendors publish verifies.

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use webhooks::circle::direct;
use webhooks::{
    Interpretation, KeyFormat, Keys, ProviderSettings, Rejection, Settings, alpaca, bridge, interpret,
};

use crate::signed;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/webhooks/vectors.json")).unwrap()
}

fn body(vector: &Value) -> bytes::Bytes {
    signed::text(&vector["body"]).to_owned().into()
}

#[test]
fn the_delivery_on_bridges_page_verifies() {
    let vector = &vectors()["bridge"];
    let key = signed::text(&vector["public_key"]);
    let keys = format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n");
    let keys = Keys::parse(KeyFormat::RsaPublicKeys, &keys).unwrap();
    let header = HeaderValue::from_str(signed::text(&vector["header"])).unwrap();
    let headers = HeaderMap::from_iter([(bridge::SIGNATURE_HEADER.parse().unwrap(), header)]);
    let now = Timestamp::from_millisecond(vector["now_ms"].as_i64().unwrap()).unwrap();
    let got =
        bridge::verify(&keys, &Settings::default(), crate::bridge::endpoint(), &headers, body(vector), now);
    assert_eq!(got.unwrap().key_id(), "key1");
}

#[test]
fn the_ping_on_circles_page_verifies_and_is_a_test() {
    let vector = &vectors()["circle_direct"];
    let key = direct::PublicKey::parse(signed::text(&vector["key"]).as_bytes()).unwrap();
    let signature = HeaderValue::from_str(signed::text(&vector["signature"])).unwrap();
    let id = HeaderValue::from_str(key.id().as_str()).unwrap();
    let headers = HeaderMap::from_iter([
        (direct::SIGNATURE_HEADER.parse().unwrap(), signature),
        (direct::KEY_ID_HEADER.parse().unwrap(), id),
    ]);
    let body = body(vector);
    assert_eq!(body.len(), 238);
    let delivery = direct::verify(&key, &headers, body).unwrap();
    assert_eq!(delivery.event_type(), "webhooks.test");
    // The ids of a ping are always the same; its key is not.
    assert!(delivery.dedupe_key().len() > 64 + "circle/direct/".len());
    assert_eq!(
        interpret(delivery.channel(), delivery.body(), &ProviderSettings::default()),
        Interpretation::Test
    );
}

/// GitHub's body is no JSON, so the core accepts it and the body is refused when it is parsed.
#[test]
fn the_hmac_on_githubs_page_is_ours() {
    let vector = &vectors()["github"];
    let keys = Keys::parse(KeyFormat::HmacSecrets, signed::text(&vector["secret"])).unwrap();
    let verify = |signature: String, body| {
        let header = HeaderValue::from_str(&signature).unwrap();
        let headers = HeaderMap::from_iter([(alpaca::SIGNATURE_HEADER.parse().unwrap(), header)]);
        let (settings, endpoint) = (Settings::default(), "alpaca/trade".parse().unwrap());
        alpaca::verify(&keys, &settings, endpoint, &headers, body, Timestamp::UNIX_EPOCH).unwrap_err()
    };
    let signature = signed::text(&vector["signature"]);
    assert_eq!(verify(format!("sha256={signature}"), body(vector)).reason(), "malformed");
    let wrong = signature.replace("757", "756");
    assert_eq!(verify(format!("sha256={wrong}"), body(vector)), Rejection::Signature);
}
