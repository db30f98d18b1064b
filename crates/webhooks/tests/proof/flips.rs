//! One bit that is not as it was signed, in the body or in what proves it, and the delivery is refused: every bit is tried.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use webhooks::circle::{direct, sns};
use webhooks::{Settings, alpaca, bridge};

use crate::signed;

/// Every text that differs from `bytes` in one bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

fn headers(pairs: &[(&'static str, &[u8])]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        // What cannot be sent as a header does not arrive.
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?);
    }
    Some(headers)
}

#[test]
fn alpaca() {
    let case = signed::case("alpaca", "timestamped");
    let (body, header) = (signed::base64(&case["body"]), signed::text(&case["headers"][0]).as_bytes());
    let is_accepted = |header: &[u8], body: Vec<u8>| {
        let (settings, endpoint) = (crate::alpaca::settings("any"), "alpaca/trade".parse().unwrap());
        let now = signed::seconds(&case["now"]);
        headers(&[(alpaca::SIGNATURE_HEADER, header)]).is_some_and(|headers| {
            alpaca::verify(&crate::alpaca::keys(), &settings, endpoint, &headers, body.into(), now).is_ok()
        })
    };
    assert!(is_accepted(header, body.to_vec()));
    assert!(!flips(&body).any(|body| is_accepted(header, body)));
    assert!(!flips(header).any(|header| is_accepted(&header, body.to_vec())));
}

#[test]
fn bridge() {
    let case = signed::case("bridge", "signed twice over");
    let (body, header) = (signed::base64(&case["body"]), signed::text(&case["headers"][0]).as_bytes());
    let keys = crate::bridge::keys();
    let now = Timestamp::from_millisecond(case["now"].as_i64().unwrap()).unwrap();
    let is_accepted = |header: &[u8], body: Vec<u8>| {
        headers(&[(bridge::SIGNATURE_HEADER, header)]).is_some_and(|headers| {
            bridge::verify(&keys, &Settings::default(), crate::bridge::endpoint(), &headers, body.into(), now)
                .is_ok()
        })
    };
    assert!(is_accepted(header, body.to_vec()));
    assert!(!flips(&body).any(|body| is_accepted(header, body)));
    assert!(!flips(header).any(|header| is_accepted(&header, body.to_vec())));
}

#[test]
fn circle_direct() {
    let case = signed::case("direct", "signed");
    let body = signed::base64(&case["body"]);
    let signature = signed::text(&case["signatures"][0]).as_bytes();
    let id = signed::text(&case["key_ids"][0]).as_bytes();
    let key = crate::direct::key();
    let is_accepted = |signature: &[u8], id: &[u8], body: Vec<u8>| {
        headers(&[(direct::SIGNATURE_HEADER, signature), (direct::KEY_ID_HEADER, id)])
            .is_some_and(|headers| direct::verify(&key, &headers, body.into()).is_ok())
    };
    assert!(is_accepted(signature, id, body.to_vec()));
    assert!(!flips(&body).any(|body| is_accepted(signature, id, body)));
    assert!(!flips(signature).any(|signature| is_accepted(&signature, id, body.to_vec())));
    assert!(!flips(id).any(|id| is_accepted(signature, &id, body.to_vec())));
}

#[test]
fn circle_sns() {
    for name in ["notification, version 1", "confirmation of region 0, version 2", "end of a subscription"] {
        let case = signed::case("sns", name);
        let body = signed::base64(&case["body"]);
        let topics = crate::sns::topics();
        let certificate = crate::sns::certificate(&sns::parse(body.clone(), &topics).unwrap());
        let is_accepted = |body: Vec<u8>| {
            sns::parse(Bytes::from(body), &topics)
                .and_then(|envelope| sns::verify(envelope, &certificate, signed::seconds(&case["now"])))
                .is_ok()
        };
        assert!(is_accepted(body.to_vec()), "{name}");
        assert!(!flips(&body).any(is_accepted), "{name}");
    }
}
