//! How many deliveries of each scheme one core proves in a second: the ceiling of any receiver.
//!
//! ```text
//! cargo run --release -p webhooks --example verify_rate [seconds per scheme, default 2]
//! ```
//!
//! One line per scheme: `scheme deliveries_per_second nanoseconds_each`. The deliveries are those of
//! `tests/fixtures/webhooks`, and each is verified whole: headers, signature, freshness, envelope of the body.

#![expect(clippy::unwrap_used, reason = "the fixtures are part of the repository and are tested")]
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use webhooks::circle::{direct, sns};
use webhooks::{Interpretation, KeyFormat, Keys, ProviderSettings, Settings, alpaca, bridge, interpret};

const SIGNED: &str = include_str!("../../../tests/fixtures/webhooks/signed.json");
/// How long each scheme is measured unless another number is given.
const SECONDS_DEFAULT: u64 = 2;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(SECONDS_DEFAULT);
    let (time, signed): (_, Value) = (Duration::from_secs(seconds), serde_json::from_str(SIGNED).unwrap());
    alpaca(&signed["alpaca"], time);
    bridge(&signed["bridge"], time);
    direct(&signed["direct"], time);
    sns(&signed["sns"], time);
}

/// Calls `prove` until `time` is over, and prints how often it could.
fn measure(scheme: &str, time: Duration, prove: impl Fn() -> bool) {
    let (begin, mut count) = (Instant::now(), 0_u64);
    while begin.elapsed() < time {
        for _ in 0..16 {
            assert!(black_box(prove()), "{scheme} is proved");
        }
        count += 16;
    }
    let nanoseconds = begin.elapsed().as_nanos() / u128::from(count);
    println!("{scheme} {} {nanoseconds}", 1_000_000_000 / nanoseconds.max(1));
}

fn case<'a>(fixture: &'a Value, name: &str) -> &'a Value {
    fixture["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap()
}

fn body(case: &Value) -> Bytes {
    STANDARD.decode(case["body"].as_str().unwrap()).unwrap().into()
}

fn header(name: &'static str, value: &Value) -> HeaderMap {
    let value = HeaderValue::from_str(value[0].as_str().unwrap()).unwrap();
    HeaderMap::from_iter([(HeaderName::from_static(name), value)])
}

fn alpaca(fixture: &Value, time: Duration) {
    let case = case(fixture, "timestamped");
    // One key: each further one costs one more HMAC.
    let keys: Vec<&str> =
        fixture["keys"].as_str().unwrap().lines().filter(|key| key.contains("=now")).collect();
    let keys = Keys::parse(KeyFormat::HmacSecrets, &keys.join("\n")).unwrap();
    let (headers, body) = (header(alpaca::SIGNATURE_HEADER, &case["headers"]), body(case));
    let now = Timestamp::from_second(case["now"].as_i64().unwrap()).unwrap();
    let (settings, endpoint) = (Settings::default(), "alpaca/trade".parse().unwrap());
    measure("alpaca_hmac_sha256", time, || {
        alpaca::verify(&keys, &settings, endpoint, &headers, body.clone(), now).is_ok()
    });
    measure("alpaca_stream", time, || alpaca::from_stream(alpaca::Kind::Trade, "", body.clone()).is_ok());
    let settings = ProviderSettings::default();
    measure("alpaca_interpret", time, || {
        matches!(interpret(alpaca::Kind::Trade.channel(), &body, &settings), Interpretation::Facts(_))
    });
}

fn bridge(fixture: &Value, time: Duration) {
    let case = case(fixture, "signed twice over");
    let end = "-----END PUBLIC KEY-----";
    let keys = format!("{}{end}\n", fixture["keys"].as_str().unwrap().split(end).next().unwrap());
    let keys = Keys::parse(KeyFormat::RsaPublicKeys, &keys).unwrap();
    let (headers, body) = (header(bridge::SIGNATURE_HEADER, &case["headers"]), body(case));
    let now = Timestamp::from_millisecond(case["now"].as_i64().unwrap()).unwrap();
    let (settings, endpoint) = (Settings::default(), "bridge".parse().unwrap());
    measure("bridge_rsa_2048", time, || {
        bridge::verify(&keys, &settings, endpoint, &headers, body.clone(), now).is_ok()
    });
}

fn direct(fixture: &Value, time: Duration) {
    let case = case(fixture, "signed");
    let key = direct::PublicKey::parse(fixture["key"].as_str().unwrap().as_bytes()).unwrap();
    let mut headers = header(direct::SIGNATURE_HEADER, &case["signatures"]);
    headers.extend(header(direct::KEY_ID_HEADER, &case["key_ids"]));
    let body = body(case);
    measure("circle_ecdsa_p256", time, || direct::verify(&key, &headers, body.clone()).is_ok());
}

fn sns(fixture: &Value, time: Duration) {
    let topics = sns::Topics::parse(fixture["topics"].as_str().unwrap()).unwrap();
    let roots = fixture["roots"].as_str().unwrap().as_bytes();
    let trust = sns::Trust::from_roots(roots, sns::Unchained::Refused).unwrap();
    let now = Timestamp::from_second(fixture["now"].as_i64().unwrap()).unwrap();
    for (scheme, name) in
        [("circle_sns_sha1", "notification, version 1"), ("circle_sns_sha256", "notification, version 2")]
    {
        let body = body(case(fixture, name));
        let url = sns::parse(body.clone(), &topics).unwrap().certificate_url().clone();
        let pem = fixture["chain"].as_str().unwrap().as_bytes();
        let certificate = sns::Certificate::parse(url, pem, now, &trust).unwrap();
        measure(scheme, time, || {
            let message = sns::parse(body.clone(), &topics).unwrap();
            sns::verify(message, &certificate, now).is_ok()
        });
    }
}
