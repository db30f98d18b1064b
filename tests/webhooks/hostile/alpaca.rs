//! Alpaca's scheme: HMAC-SHA256 in hex, with a time or without.

use tests::events::AlpacaAccount;
use tests::providers::{ALPACA_SECRET, Providers, SignedRequest, now};
use tests::signer::openssl;

use super::{Case, accepted, bent, judge, refused};

const HEADER: &str = "alpaca-signature";
const SECOND_SECRET: &str = "Jp4wRk7nXt9vMq1zGc6yLs8bHdQw2Er5";

fn body(name: &str) -> String {
    AlpacaAccount::named(name).status(now(), "APPROVED", "ACTIVE")
}

/// The request with the text of its signature header changed.
fn with_header(request: &SignedRequest, change: impl Fn(&str) -> String) -> SignedRequest {
    let header = change(request.header(HEADER));
    request.clone().with(HEADER, header)
}

/// Signed for a time that is written so.
fn at(providers: &Providers, t: &serde_json::Value, body: &str) -> SignedRequest {
    use base64::Engine as _;
    let encoded = base64::prelude::BASE64_STANDARD.encode(body);
    let asked = serde_json::json!({"op": "alpaca", "secret": ALPACA_SECRET, "body": encoded});
    let hex = providers.signer.ask(with(asked, "t", t));
    providers.alpaca("account", body).with(HEADER, hex["header"].as_str().unwrap())
}

fn with(mut object: serde_json::Value, member: &str, value: &serde_json::Value) -> serde_json::Value {
    object[member] = value.clone();
    object
}

#[test]
fn what_is_bent_in_body_time_or_signature_is_refused() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.alpaca("account", body("bent"));
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
    judge(
        &server,
        vec![
            refused("no header", good.clone().without(HEADER), "missing"),
            refused("a bit of the body", good.clone().carrying(bent(&good.body)), "signature"),
            refused(
                "the body written again",
                good.clone().carrying(text.replace("\":", "\": ")),
                "signature",
            ),
            refused("a line end after the body", good.clone().carrying(format!("{text}\n")), "signature"),
            refused("a byte order mark", good.clone().carrying(format!("\u{feff}{text}")), "signature"),
            refused("no body", good.clone().carrying(""), "signature"),
            refused("a digit of the signature", with_header(&good, last_digit), "signature"),
            refused("a second later", with_header(&good, second_later), "signature"),
            refused("another secret", good.clone().with(HEADER, signed_by_another), "signature"),
            refused("truncated", with_header(&good, super::without_last), "malformed"),
            refused("too long", with_header(&good, |header| format!("{header}00")), "malformed"),
            refused(
                "upper case",
                with_header(&good, |header| header.to_uppercase().replace("V1", "v1").replace("T=", "t=")),
                "malformed",
            ),
            refused("a blank", with_header(&good, |header| header.replace(',', ", ")), "malformed"),
            refused("two times", with_header(&good, |header| format!("t=1,{header}")), "malformed"),
            refused(
                "no time",
                with_header(&good, |header| header.split_once(',').unwrap().1.to_owned()),
                "malformed",
            ),
            refused(
                "no signature",
                with_header(&good, |header| header.split_once(',').unwrap().0.to_owned()),
                "malformed",
            ),
            refused("an empty header", good.clone().with(HEADER, ""), "malformed"),
            refused("two lines of the header", good.clone().adding(HEADER, good.header(HEADER)), "malformed"),
            accepted("the delivery itself", good),
        ],
    );
}

#[test]
fn times_are_whole_seconds_within_five_minutes() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, now) = (body("times"), now().as_second());
    let case = |what, t: serde_json::Value, reason| refused(what, at(&providers, &t, &body), reason);
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
    judge(&server, cases);
}

#[test]
fn a_signature_over_the_body_alone_is_accepted_where_it_is_allowed_and_nowhere_else() {
    let providers = Providers::new();
    let body = body("untimed");
    let hex = providers.signer.alpaca_body_only(ALPACA_SECRET, body.as_bytes());
    let bare = providers.alpaca("account", body.clone()).with(HEADER, hex.clone());
    let prefixed = bare.clone().with(HEADER, format!("sha256={hex}"));
    let any = providers.options().set("WEBHOOK_ALPACA_SCHEME", "any").start();
    assert_eq!(any.deliver(&bare).status, 200);
    assert_eq!(any.deliver(&prefixed).json()["status"], "duplicate");
    judge(
        &any,
        vec![refused("a bit of the body", bare.clone().carrying(bent(body.as_bytes())), "signature")],
    );
    let timestamped = providers.options().set("WEBHOOK_ALPACA_SCHEME", "timestamped").start();
    judge(
        &timestamped,
        vec![refused("bare", bare, "untimed"), refused("with a prefix", prefixed, "untimed")],
    );
}

#[test]
fn each_of_several_secrets_signs_within_its_time_and_not_outside() {
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
        good.clone().with(HEADER, header)
    };
    let wrong = good.header(HEADER).replace("v1=", &format!("v1={},v1=", "0".repeat(64)));
    judge(
        &server,
        vec![
            refused("expired", by(SECOND_SECRET), "expired_key"),
            refused("not yet valid", by("third-Zq8Wm3Xc6Vb9Nn2Ll5Kk7Tt4Yy"), "expired_key"),
            accepted("one of two signatures fits", good.clone().with(HEADER, wrong)),
        ],
    );
}

#[test]
fn what_openssl_signs_is_accepted() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, place) = (body("openssl"), tempfile::tempdir().unwrap());
    let t = now().as_second();
    let hmac = ["dgst", "-sha256", "-hmac", ALPACA_SECRET, "-hex"];
    let signed = openssl(place.path(), &hmac, format!("{t}.{body}").as_bytes());
    let signed = String::from_utf8(signed).unwrap();
    let hex = signed.trim().rsplit(' ').next().unwrap();
    let request = providers.alpaca("account", body).with(HEADER, format!("t={t},v1={hex}"));
    assert_eq!(server.deliver(&request).status, 200);
}

#[test]
fn bytes_that_are_no_text_are_never_an_error_of_ours() {
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
        let answer = server.deliver(&providers.alpaca("trade", body));
        assert!(matches!(answer.status, 200 | 400), "{body:?}: {answer:?}");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
