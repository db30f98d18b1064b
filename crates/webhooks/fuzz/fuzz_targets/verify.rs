//! No headers and body that nobody signed are accepted, and nothing panics. The first line of the input is the value of
//! every header, the rest is the body.

#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use webhooks::circle::{System, direct, sns};
use webhooks::{KeyFormat, Keys, Settings, alpaca, bridge};

const NAMES: [&str; 4] =
    [alpaca::SIGNATURE_HEADER, bridge::SIGNATURE_HEADER, direct::SIGNATURE_HEADER, direct::KEY_ID_HEADER];

fuzz_target!(|input: &[u8]| {
    let cut = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, rest) = input.split_at(cut);
    let body = Bytes::copy_from_slice(rest.get(1..).unwrap_or_default());
    let Ok(value) = HeaderValue::from_bytes(line) else { return };
    let headers: HeaderMap =
        NAMES.into_iter().map(|name| (HeaderName::from_static(name), value.clone())).collect();
    let Ok(keys) = Keys::parse(KeyFormat::HmacSecrets, "a secret that the fuzzer does not know") else { return };
    for kind in alpaca::Kind::ALL {
        let Ok(endpoint) = format!("alpaca/{kind}").parse() else { return };
        let now = Timestamp::UNIX_EPOCH;
        assert!(alpaca::verify(&keys, &Settings::default(), endpoint, &headers, body.clone(), now).is_err());
        let _ = alpaca::from_stream(kind, &String::from_utf8_lossy(line), body.clone());
    }
    let _ = Keys::parse(KeyFormat::RsaPublicKeys, &String::from_utf8_lossy(&body));
    let _ = direct::key_id(&headers);
    let _ = direct::PublicKey::parse(&body);
    let _ = System::detect(&headers, &body);
    let topics = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";
    let Ok(topics) = sns::Topics::parse(topics) else { return };
    let _ = sns::parse(body, &topics);
});
