//! Alpaca: HMAC over time and body, or over the body alone.

use domain::Provider;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use webhooks::alpaca::{Kind, SIGNATURE_HEADER, from_stream, verify};
use webhooks::{Delivery, KeyFormat, Keys, KeysError, Rejection, Settings, Transport};

use crate::signed;

pub(crate) fn keys() -> Keys {
    Keys::parse(KeyFormat::HmacSecrets, signed::text(&signed::scheme("alpaca")["keys"])).unwrap()
}

pub(crate) fn settings(scheme: &str) -> Settings {
    let scheme = if scheme == "timestamped" { scheme } else { "any" };
    crate::settings("webhooks.alpaca.scheme", scheme).provider(Provider::Alpaca).clone()
}

fn run(case: &Value) -> Result<Delivery, Rejection> {
    let headers = signed::headers(SIGNATURE_HEADER, &case["headers"]);
    let endpoint = format!("alpaca/{}", signed::text(&case["kind"])).parse().unwrap();
    let settings = settings(signed::text(&case["policy"]));
    let (body, now) = (signed::base64(&case["body"]), signed::seconds(&case["now"]));
    verify(&keys(), &settings, endpoint, &headers, body, now)
}

#[test]
fn every_signed_delivery_has_its_outcome() {
    signed::every_case("alpaca", |case| signed::outcome(&run(case)));
}

#[test]
fn a_delivery_says_what_its_receiver_must_know() {
    let delivery = run(signed::case("alpaca", "timestamped")).unwrap();
    assert_eq!(delivery.channel(), Kind::Trade.channel());
    assert_eq!(delivery.transport(), Transport::Webhook);
    assert_eq!(delivery.dedupe_key(), "alpaca/trade/01KDZ0Q1ZM8Y8J0Z5T9GQ4T3WX");
    assert_eq!(delivery.content_key(), None);
    assert_eq!(delivery.event_type(), "trade.new");
    assert_eq!(delivery.resource(), "529248ad-c4cc-4a50-bea4-6bfd2953f83a/TSLA");
    assert_eq!(delivery.occurred_at(), Some("2026-01-02T15:04:05.656741Z".parse().unwrap()));
    assert_eq!(delivery.signed_at(), Some("2026-01-02T15:04:05Z".parse().unwrap()));
    assert_eq!(delivery.key_id(), "now");
    assert_eq!(delivery.proof_headers()[0].0, SIGNATURE_HEADER);
    assert_eq!(*delivery.body(), signed::base64(&signed::case("alpaca", "timestamped")["body"]));
}

#[test]
fn a_relayed_event_and_a_streamed_one_are_one_event() {
    let posted = run(signed::case("alpaca", "timestamped")).unwrap();
    let streamed = from_stream(Kind::Trade, "ignored", posted.body().clone()).unwrap();
    assert_eq!(streamed.dedupe_key(), posted.dedupe_key());
    assert_eq!((streamed.transport(), streamed.key_id()), (Transport::Stream, "stream"));
}

#[test]
fn a_streamed_event_without_an_id_has_the_streams() {
    let data = br#"{"account_id":"a","account_number":"1","status_to":"ACTIVE","at":"2026-01-02T00:00:00Z"}"#;
    let of = |id| from_stream(Kind::Account, id, bytes::Bytes::from_static(data)).unwrap();
    assert_eq!(of("01KD").dedupe_key(), "alpaca/account/01KD");
    assert!(of("").dedupe_key().starts_with("alpaca/account/sha256:"));
    assert_eq!(of("01KD").event_type(), "account.status");
    assert_eq!(of("01KD").resource(), "a");
}

#[test]
fn bodies_of_every_kind_are_distinguished() {
    for (kind, body) in [
        (Kind::Trade, r#"{"event":"fill","order":{},"event_id":"1"}"#),
        (Kind::Account, r#"{"account_number":"","status_to":"ACTIVE","event_id":1}"#),
        (Kind::Account, r#"{"account_number":"9","status":"ACTIVE","event_id":1}"#),
        (Kind::Transfer, r#"{"transfer_id":"t","status_to":"COMPLETE","event_id":1}"#),
        (Kind::Transfer, r#"{"entity_type":"Transfer","entity_id":"t","event_id":"1"}"#),
        (Kind::Journal, r#"{"journal_id":"j","entry_type":"JNLC","event_id":1}"#),
        (Kind::Nta, r#"{"entry_type":"DIV","net_amount":1.5,"event_id":1}"#),
        (Kind::Activity, r#"{"activity_type":"DIV","details":{},"event_id":"1"}"#),
    ] {
        for path in Kind::ALL {
            let got = from_stream(path, "", bytes::Bytes::copy_from_slice(body.as_bytes()));
            assert_eq!(got.is_ok(), path == kind, "{body} at {path}");
            let key = got.map(|delivery| delivery.dedupe_key().to_owned());
            assert_eq!(key.ok(), (path == kind).then(|| format!("alpaca/{kind}/1")));
        }
    }
}

#[test]
fn a_body_of_unknown_shape_is_one_event_per_endpoint() {
    let of = |kind, body: &'static [u8]| from_stream(kind, "", bytes::Bytes::from_static(body)).unwrap();
    // A copy at an endpoint that cannot interpret it must not make the right endpoint's delivery a duplicate.
    let body = br#"{"account_id":"a","entry_type":"SPLIT","id":"n1"}"#;
    let keys: Vec<String> =
        Kind::ALL.into_iter().map(|kind| of(kind, body).dedupe_key().to_owned()).collect();
    for (kind, key) in Kind::ALL.into_iter().zip(&keys) {
        assert!(key.starts_with(&format!("alpaca/{kind}/sha256:")), "{key}");
        assert_eq!(of(kind, body).dedupe_key(), key, "a copy at one endpoint is a copy");
    }
}

#[test]
fn an_old_number_and_a_new_id_together_are_known_by_the_new_id() {
    let body = br#"{"account_number":"9","status_to":"ACTIVE","event_id":12,"event_ulid":"01KD"}"#;
    let delivery = from_stream(Kind::Account, "", bytes::Bytes::from_static(body)).unwrap();
    assert_eq!(delivery.dedupe_key(), "alpaca/account/01KD");
}

#[test]
fn keys_are_read_strictly() {
    let long = "0123456789abcdef";
    for (text, expected) in [
        (long.to_owned(), Ok(vec!["key1"])),
        (format!("{long}\n\n{long}x\r\n"), Ok(vec!["key1", "key2"])),
        (format!("label=a secret={long} with blanks and = signs"), Ok(vec!["a"])),
        (format!("not_before=2026-01-01T00:00:00Z secret={long}"), Ok(vec!["key1"])),
        (String::new(), Err(KeysError::Empty)),
        ("short".to_owned(), Err(KeysError::Short(1))),
        (format!("{long}\nlabel=b secret="), Err(KeysError::Short(2))),
        (format!("label=a b secret={long}"), Err(KeysError::Attribute(1))),
        (format!("label=a label=b secret={long}"), Err(KeysError::Attribute(1))),
        (format!("label=a {long}"), Err(KeysError::Attribute(1))),
        (format!("label=a/b secret={long}"), Err(KeysError::Label(1))),
        (format!("not_after=soon secret={long}"), Err(KeysError::ValidityPeriod(1))),
        (
            format!("not_before=2026-01-02T00:00:00Z not_after=2026-01-02T00:00:00Z secret={long}"),
            Err(KeysError::ValidityPeriod(1)),
        ),
        (format!("label=a secret={long}\nlabel=a secret={long}x"), Err(KeysError::DuplicateLabel(2))),
        (format!("{long}\n").repeat(17), Err(KeysError::TooMany)),
    ] {
        let keys = Keys::parse(KeyFormat::HmacSecrets, &text);
        let got = keys.as_ref().map(|keys| keys.labels().collect::<Vec<_>>()).map_err(|error| *error);
        assert_eq!(got, expected, "{text:?}");
        assert!(!format!("{keys:?}").contains(long));
    }
}

#[test]
fn an_earlier_version_of_the_secret_is_accepted_beside_the_new_one() {
    let (new, old) = ("the new secret of the relay", "the old secret of the relay");
    let both = Keys::parse(KeyFormat::HmacSecrets, new)
        .unwrap()
        .and_earlier(Keys::parse(KeyFormat::HmacSecrets, old).unwrap())
        .unwrap();
    assert_eq!(both.labels().collect::<Vec<_>>(), ["key1", "key1-previous"]);
    let same = Keys::parse(KeyFormat::HmacSecrets, new)
        .unwrap()
        .and_earlier(Keys::parse(KeyFormat::HmacSecrets, new).unwrap())
        .unwrap();
    assert_eq!(same.labels().collect::<Vec<_>>(), ["key1"]);
}

/// What is signed with a time is `<t>.<body>`, which without its time could be a body of its own; and the other way round.
#[test]
fn no_signature_serves_in_the_other_form() {
    let case = signed::case("alpaca", "timestamped");
    let (body, header) = (signed::base64(&case["body"]), signed::text(&case["headers"][0]));
    let endpoint = "alpaca/trade".parse().unwrap();
    let (time, hex) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let verify = |header: &str, body: Vec<u8>| {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, header.parse().unwrap());
        let now = signed::seconds(&case["now"]);
        verify(&keys(), &settings("any"), endpoint, &headers, body.into(), now)
    };
    assert!(verify(header, body.to_vec()).is_ok());
    let whole = [time.as_bytes(), b".", &body].concat();
    for header in [hex.to_owned(), format!("sha256={hex}")] {
        // The bytes are those that were signed; they are no event.
        assert_eq!(verify(&header, whole.clone()).unwrap_err().reason(), "malformed");
        assert_eq!(verify(&header, body.to_vec()).unwrap_err(), Rejection::Signature);
    }
}

#[test]
fn no_key_opens_without_a_header() {
    let got = verify(
        &keys(),
        &settings("any"),
        "alpaca/trade".parse().unwrap(),
        &HeaderMap::new(),
        bytes::Bytes::new(),
        Timestamp::UNIX_EPOCH,
    );
    assert_eq!(got.unwrap_err(), Rejection::Missing(SIGNATURE_HEADER));
}
