//! Alpaca's scheme: HMAC-SHA256 in hex, with a time or without.

use tests::events::AlpacaAccount;
use tests::providers::{ALPACA_SECRET, Providers, SignedRequest, now};
use tests::signer::openssl;

use super::{Case, accepted, check_cases, flip_bit, rejected};

const HEADER: &str = "alpaca-signature";
const SECOND_SECRET: &str = "Jp4wRk7nXt9vMq1zGc6yLs8bHdQw2Er5";

fn body(name: &str) -> String {
    AlpacaAccount::named(name).status(now(), "APPROVED", "ACTIVE")
}

fn with_header(request: &SignedRequest, change: impl Fn(&str) -> String) -> SignedRequest {
    let header = change(request.header(HEADER));
    request.clone().with_header(HEADER, header)
}

/// Signed for this time.
fn at(providers: &Providers, t: &serde_json::Value, body: &str) -> SignedRequest {
    use base64::Engine as _;
    let encoded = base64::prelude::BASE64_STANDARD.encode(body);
    let request_json = serde_json::json!({"op": "alpaca", "secret": ALPACA_SECRET, "body": encoded});
    let hex = providers.signer.call(with(request_json, "t", t));
    providers.alpaca("account", body).with_header(HEADER, hex["header"].as_str().unwrap())
}

fn with(mut object: serde_json::Value, member: &str, value: &serde_json::Value) -> serde_json::Value {
    object[member] = value.clone();
    object
}

#[test]
fn a_modified_body_time_or_signature_is_rejected() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.alpaca("account", body("modified"));
    let text = String::from_utf8(good.body.clone()).unwrap();
    let second_later = |header: &str| {
        let t = super::time_of(header);
        header.replace(&t.to_string(), &(t + 1).to_string())
    };
    let last_digit = |header: &str| {
        let other = if header.ends_with('0') { '1' } else { '0' };
        format!("{}{other}", super::without_last(header))
    };
    let signed_by_another = providers.signer.alpaca(SECOND_SECRET, now().as_second(), &good.body);
    check_cases(
        &server,
        vec![
            rejected("no header", good.clone().without_header(HEADER), "missing"),
            rejected("a bit of the body", good.clone().with_body(flip_bit(&good.body)), "signature"),
            rejected(
                "the body written again",
                good.clone().with_body(text.replace("\":", "\": ")),
                "signature",
            ),
            rejected("a line end after the body", good.clone().with_body(format!("{text}\n")), "signature"),
            rejected("a byte order mark", good.clone().with_body(format!("\u{feff}{text}")), "signature"),
            rejected("no body", good.clone().with_body(""), "signature"),
            rejected("a digit of the signature", with_header(&good, last_digit), "signature"),
            rejected("a second later", with_header(&good, second_later), "signature"),
            rejected("another secret", good.clone().with_header(HEADER, signed_by_another), "signature"),
            rejected("truncated", with_header(&good, super::without_last), "malformed"),
            rejected("too long", with_header(&good, |header| format!("{header}00")), "malformed"),
            rejected(
                "upper case",
                with_header(&good, |header| header.to_uppercase().replace("V1", "v1").replace("T=", "t=")),
                "malformed",
            ),
            rejected("a blank", with_header(&good, |header| header.replace(',', ", ")), "malformed"),
            rejected("two times", with_header(&good, |header| format!("t=1,{header}")), "malformed"),
            rejected(
                "no time",
                with_header(&good, |header| header.split_once(',').unwrap().1.to_owned()),
                "malformed",
            ),
            rejected(
                "no signature",
                with_header(&good, |header| header.split_once(',').unwrap().0.to_owned()),
                "malformed",
            ),
            rejected("an empty header", good.clone().with_header(HEADER, ""), "malformed"),
            rejected(
                "two lines of the header",
                good.clone().with_added_header(HEADER, good.header(HEADER)),
                "malformed",
            ),
            accepted("the delivery itself", good),
        ],
    );
}

#[test]
fn times_are_whole_seconds_within_five_minutes() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, now) = (body("times"), now().as_second());
    let case = |what, t: serde_json::Value, reason| rejected(what, at(&providers, &t, &body), reason);
    let mut cases: Vec<Case> = vec![
        case("six minutes old", (now - 360).into(), "stale"),
        case("six minutes ahead", (now + 360).into(), "future"),
        case("milliseconds", (now * 1000).into(), "malformed"),
        case("zero", 0.into(), "stale"),
        case("negative", (-now).into(), "malformed"),
        case("2^63", "9223372036854775808".into(), "malformed"),
        case("a plus", format!("+{now}").into(), "malformed"),
        case("leading zeros", format!("00{now}").into(), "malformed"),
        case("a fraction", format!("{now}.0").into(), "malformed"),
        case("an empty time", "".into(), "malformed"),
    ];
    cases.push(accepted("four minutes old", at(&providers, &(now - 240).into(), &body)));
    check_cases(&server, cases);
}

#[test]
fn a_signature_without_a_time_is_accepted_only_where_it_is_allowed() {
    let providers = Providers::new();
    let body = body("untimed");
    let hex = providers.signer.alpaca_body_only(ALPACA_SECRET, body.as_bytes());
    let bare = providers.alpaca("account", body.clone()).with_header(HEADER, hex.clone());
    let prefixed = bare.clone().with_header(HEADER, format!("sha256={hex}"));
    let any = providers.options().set("WEBHOOK_ALPACA_SCHEME", "any").start();
    assert_eq!(any.deliver(&bare).status, 200);
    assert_eq!(any.deliver(&prefixed).json()["status"], "duplicate");
    check_cases(
        &any,
        vec![rejected("a bit of the body", bare.clone().with_body(flip_bit(body.as_bytes())), "signature")],
    );
    let timestamped = providers.options().set("WEBHOOK_ALPACA_SCHEME", "timestamped").start();
    check_cases(
        &timestamped,
        vec![rejected("bare", bare, "untimed"), rejected("with a prefix", prefixed, "untimed")],
    );
}

#[test]
fn each_secret_is_accepted_only_within_its_validity_period() {
    let providers = Providers::new();
    let secrets = [
        format!("label=now secret={ALPACA_SECRET}"),
        format!("label=past not_after=2026-01-01T00:00:00Z secret={SECOND_SECRET}"),
        "label=later not_before=2999-01-01T00:00:00Z secret=third-Zq8Wm3Xc6Vb9Nn2Ll5Kk7Tt4Yy".to_owned(),
    ];
    let server = providers.options().set("ALPACA_WEBHOOK_SECRET", secrets.join("\n")).start();
    let good = providers.alpaca("account", body("several"));
    let by = |secret: &str| {
        let header = providers.signer.alpaca(secret, now().as_second(), &good.body);
        good.clone().with_header(HEADER, header)
    };
    let wrong = good.header(HEADER).replace("v1=", &format!("v1={},v1=", "0".repeat(64)));
    check_cases(
        &server,
        vec![
            rejected("expired", by(SECOND_SECRET), "expired_key"),
            rejected("not yet valid", by("third-Zq8Wm3Xc6Vb9Nn2Ll5Kk7Tt4Yy"), "expired_key"),
            accepted("one of two signatures fits", good.clone().with_header(HEADER, wrong)),
        ],
    );
}

#[test]
fn signatures_of_openssl_are_accepted() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, directory) = (body("openssl"), tempfile::tempdir().unwrap());
    let t = now().as_second();
    let hmac = ["dgst", "-sha256", "-hmac", ALPACA_SECRET, "-hex"];
    let signed = openssl(directory.path(), &hmac, format!("{t}.{body}").as_bytes());
    let signed = String::from_utf8(signed).unwrap();
    let hex = signed.trim().rsplit(' ').next().unwrap();
    let request = providers.alpaca("account", body).with_header(HEADER, format!("t={t},v1={hex}"));
    assert_eq!(server.deliver(&request).status, 200);
}

#[test]
fn malformed_bodies_are_never_a_server_error() {
    let providers = Providers::new();
    let server = providers.options().start();
    for body in [
        &b"\xff\xfe\x00{"[..],
        b"{\"account_id\":\"\xc3\x28\"}",
        b"[]",
        b"null",
        b"{}",
        b"",
        b"{\"a\":1e999}",
    ] {
        let response = server.deliver(&providers.alpaca("trade", body));
        assert!(matches!(response.status, 200 | 400), "{body:?}: {response:?}");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
