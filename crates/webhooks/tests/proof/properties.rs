//! Whatever arrives, nothing panics, and nothing that was not signed is accepted.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};
use webhooks::circle::sns::{self, Certificate, Trust, Unchained};
use webhooks::circle::{System, direct};
use webhooks::{Channel, KeyFormat, Keys, SettingValue, Settings, alpaca, bridge, interpret};

use crate::signed;

/// Bytes, and texts in the shape of the headers that are read.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "(t|v0|v1|sha256)?=?[0-9]{0,20}(,(t|v0|v1)=[A-Za-z0-9+/=]{0,90}){0,4}",
        "[0-9a-f]{0,70}",
        "[A-Za-z0-9+/]{0,90}={0,3}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ];
    prop_oneof![vec(any::<u8>(), 0..200), text.prop_map(String::into_bytes)]
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let names = prop::sample::select(vec![
        alpaca::SIGNATURE_HEADER,
        bridge::SIGNATURE_HEADER,
        direct::SIGNATURE_HEADER,
        direct::KEY_ID_HEADER,
    ]);
    vec((names, header()), 0..6).prop_map(|pairs| {
        let sendable = |(name, value): (&'static str, Vec<u8>)| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(&value).ok()?))
        };
        let mut headers = HeaderMap::new();
        pairs.into_iter().filter_map(sendable).for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    })
}

/// Names that some body is read by, and a few that none is.
const NAMES: &[&str] = &[
    "Type",
    "MessageId",
    "TopicArn",
    "Message",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
    "Token",
    "SubscribeURL",
    "Subject",
    "event",
    "event_id",
    "event_type",
    "event_category",
    "event_object",
    "event_object_id",
    "event_object_status",
    "event_created_at",
    "at",
    "timestamp",
    "account_id",
    "account_number",
    "status",
    "status_to",
    "transfer_id",
    "entity_type",
    "journal_id",
    "entry_type",
    "net_amount",
    "activity_type",
    "activity_subtype",
    "details",
    "order",
    "id",
    "symbol",
    "side",
    "qty",
    "notional",
    "limit_price",
    "filled_qty",
    "filled_avg_price",
    "execution_id",
    "previous_execution_id",
    "ref_id",
    "previous_id",
    "currency",
    "amount",
    "amounts",
    "notification",
    "notificationType",
    "notificationId",
    "subscriptionId",
    "walletId",
    "tokenId",
    "state",
    "transactionType",
    "transfer",
    "payment",
    "payout",
    "deposit",
    "source",
    "destination",
    "type",
    "payment_rail",
    "receipt",
    "final_amount",
    "initial_amount",
    "customer_id",
    "deposit_id",
    "on_behalf_of",
    "merchantWalletId",
    "sourceWalletId",
    "fees",
    "fee",
    "return",
    "old_qty",
    "new_qty",
    "new_symbol",
    "execution_type",
    "é",
    "",
];

/// Values that some field is read as, and others.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            json!("fill"),
            json!("trade_bust"),
            json!("trade_correct"),
            json!("canceled"),
            json!("executed"),
            json!("DIV"),
            json!("CSD"),
            json!("FSPLIT"),
            json!("buy"),
            json!("sell"),
            json!("usd"),
            json!("usdc"),
            json!("USD"),
            json!("AAPL"),
            json!("BTC/USD"),
            json!("wallet"),
            json!("bridge_wallet"),
            json!("transfer"),
            json!("transfer.updated"),
            json!("virtual_account.activity"),
            json!("payment_processed"),
            json!("customer"),
            json!("transactions.inbound"),
            json!("transfers"),
            json!("payments"),
            json!("payouts"),
            json!("deposits"),
            json!("complete"),
            json!("COMPLETE"),
            json!("INBOUND"),
            json!("2026-01-02T15:04:05.123456789Z"),
            json!("token"),
            json!("Notification"),
            json!("webhooks.test"),
            json!("0"),
            json!("-1"),
            json!("12.345"),
            json!("1e28"),
            json!("79228162514264337593543950335"),
            json!("922337203685477580.7"),
            json!(1e300),
            json!(-0.0),
            json!(0.1),
            json!(u64::MAX),
            json!(null),
            json!(true),
            json!(""),
        ]),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ]
}

fn object() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(NAMES).prop_map(str::to_owned);
    let any_value = leaf().prop_recursive(3, 40, 12, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map(name(), inner, 0..14).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    hash_map(name(), any_value, 0..25).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..400), object().prop_map(|value| value.to_string().into_bytes())]
}

/// What becomes keys, columns and labels is short and plain, whatever a body says.
fn can_be_kept(delivery: &webhooks::Delivery) -> bool {
    let texts = [delivery.dedupe_key(), delivery.event_type(), delivery.resource()];
    texts
        .iter()
        .all(|text| (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Interpretations are the same each time, and printing one does not panic.
fn is_interpreted_alike(body: &[u8]) {
    for cash in ["activities", "transfers"] {
        let tokens = SettingValue::List(vec!["token".to_owned()]);
        let settings =
            crate::settings("ledger.alpaca_cash", cash).with("webhooks.circle.usdc_token_ids", &tokens);
        for channel in Channel::all() {
            let interpreted = interpret(channel, body, &settings);
            assert_eq!(interpreted, interpret(channel, body, &settings));
            assert!(!format!("{interpreted:?}").is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_unsigned_is_accepted_and_nothing_panics(
        headers in headers(),
        body in body(),
        now_s in -377_705_116_800_i64..=253_402_207_200,
    ) {
        let body = Bytes::from(body);
        let now = Timestamp::from_second(now_s).unwrap();
        for kind in alpaca::Kind::ALL {
            let endpoint = format!("alpaca/{kind}").parse().unwrap();
            let got = alpaca::verify(&crate::alpaca::keys(), &Settings::default(), endpoint, &headers, body.clone(), now);
            prop_assert!(got.is_err());
            if let Ok(delivery) = alpaca::from_stream(kind, &String::from_utf8_lossy(&body), body.clone()) {
                prop_assert!(can_be_kept(&delivery), "{delivery:?}");
            }
        }
        prop_assert!(bridge::verify(&crate::bridge::keys(), &Settings::default(), crate::bridge::endpoint(), &headers, body.clone(), now).is_err());
        prop_assert!(direct::verify(&crate::direct::key(), &headers, body.clone()).is_err());
        let _ = direct::key_id(&headers);
        let _ = System::detect(&headers, &body);
        prop_assert!(sns::parse(body.clone(), &crate::sns::topics()).is_err());
        let _ = direct::PublicKey::parse(&body);
    }

    #[test]
    fn interpretations_are_the_same_each_time(body in body()) {
        is_interpreted_alike(&body);
    }

    /// Inside an envelope of SNS lies a second text.
    #[test]
    fn inner_messages_are_interpreted_alike(inner in object()) {
        let outer = json!({"Type": "Notification", "Timestamp": "2026-01-02T15:04:05Z", "Message": inner.to_string()});
        is_interpreted_alike(outer.to_string().as_bytes());
    }

    #[test]
    fn keys_and_certificates_of_any_text_are_read_or_refused(text in ".{0,300}", bytes in vec(any::<u8>(), 0..400)) {
        let _ = Keys::parse(KeyFormat::HmacSecrets, &text);
        let _ = Keys::parse(KeyFormat::RsaPublicKeys, &text);
        let _ = Keys::parse(KeyFormat::RsaPublicKeys, &format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"));
        let _ = sns::Topics::parse(&text);
        let envelope = sns::parse(signed::base64(&signed::case("sns", "notification, version 1")["body"]), &crate::sns::topics());
        let url = envelope.unwrap().certificate_url().clone();
        let trust = Trust::amazon(Unchained::ProvedByFetch).unwrap();
        prop_assert!(Certificate::parse(url, &bytes, Timestamp::UNIX_EPOCH, &trust).is_err());
    }

    /// A chain in which bytes are exchanged at random is refused or holds the same key.
    #[test]
    fn a_damaged_certificate_never_panics(at in 0_usize..2_000, byte in any::<u8>()) {
        let mut pem = signed::text(&signed::scheme("sns")["chain"]).as_bytes().to_vec();
        let at = at % pem.len();
        pem[at] = byte;
        let envelope = sns::parse(signed::base64(&signed::case("sns", "notification, version 1")["body"]), &crate::sns::topics());
        let url = envelope.unwrap().certificate_url().clone();
        let roots = signed::text(&signed::scheme("sns")["roots"]).as_bytes();
        let trust = Trust::from_roots(roots, Unchained::ProvedByFetch).unwrap();
        let now = signed::seconds(&signed::scheme("sns")["now"]);
        let _ = Certificate::parse(url, &pem, now, &trust);
    }
}
