//! Bridge's scheme: RSA over the digest of a digest.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tests::events::bridge;
use tests::providers::{BRIDGE_KEY, Providers, SignedRequest, now};
use tests::signer::openssl;

use super::{accepted, bent, judge, refused};

const HEADER: &str = "x-webhook-signature";

/// The signature page of Bridge's documentation: its body, key, time and signature.
const OFFICIAL_BODY: &str = r#"{"message":"Hello World!"}"#;
const OFFICIAL_HEADER: &str = "t=1705854411204,v0=jz/0dmHJ63FAzacGutrDTEoq+iSz/PHm/ugdooXDQu5NwuVIT2LmZGjsnCsBHgR9Py6OBP9zurzW4dHgygU4EDqmMPTUOvhvndYb4lWt+TY66LihaFI2whL6DAf/jb1QjYjNU0A6x9SLzC45dgE6X7zTDUM+2Z+scG/WEQf6SxQMt4E2sEipl5PqMK5lYUe3otdJV+X2c9D64bGwCEE7QSia+Vhozg8QNOQEk/rdz2IEONIg6oC43CeiN4E2kF9XLAGuy9uAHx9O9OJH5ZPLJZjyo4VcXYeWQgxaQ1gZ1Qu6hEEzgiPSff/1nou58dm4bIIazgCWli/mO0NyGcpfFw==";
const OFFICIAL_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtqsEE4eI7EmzhcquGJXtLX9PMK0UH6Kl1WIR21sv8HtueG8BuvvpP3MiN7ltzmIhS8KaynCjN4l+620PnXeuxWG+CSnEdkinL9hCqbEid5vv9zl0j9LWiJx3FkKHqADU7cgm46aa8dKUdIQYF2X+O7WmyLkC4wUM/mWhBPMsIQBznashRMZxx7XJjsVp27ACUE4eNIjEXbVYN6U8jSbUhG++CfL8xXu+GHDqKmFE6Po6HnuURvLFVnCtE3mXXBcVFlPy+octfx8nOMLT3X8O9UehIigJ34o2yMm/Fq3HUJzg2BsiAiGgtr0vmeoV9Q7upSNj9TuOumAzZFi4pYA+qwIDAQAB";

fn body(name: &str) -> String {
    let id = tests::events::uuid(name);
    bridge(now(), "customer", "updated", &id, &json!({"id": id, "status": "active"}))
}

fn with_header(request: &SignedRequest, change: impl Fn(&str) -> String) -> SignedRequest {
    let header = change(request.header(HEADER));
    request.clone().with(HEADER, header)
}

/// The request with the time of its header written so, and signed so.
fn at(providers: &Providers, t: &serde_json::Value, request: &SignedRequest) -> SignedRequest {
    let body = BASE64_STANDARD.encode(&request.body);
    let asked = json!({"op": "bridge", "key": BRIDGE_KEY, "t": t, "body": body});
    request.clone().with(HEADER, providers.signer.ask(asked)["header"].as_str().unwrap())
}

#[test]
fn what_is_bent_in_body_time_or_signature_is_refused() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.bridge(body("bent"));
    let text = String::from_utf8(good.body.clone()).unwrap();
    let (_, signature) = good.header(HEADER).split_once(",v0=").unwrap();
    let bent_signature = BASE64_STANDARD.encode(bent(&BASE64_STANDARD.decode(signature).unwrap()));
    let short = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(signature).unwrap()[1..]);
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
            refused(
                "a bit of the signature",
                with_header(&good, |header| header.replace(signature, &bent_signature)),
                "signature",
            ),
            refused(
                "a millisecond later",
                with_header(&good, |header| {
                    let t = super::time_of(header);
                    header.replace(&t.to_string(), &(t + 1).to_string())
                }),
                "signature",
            ),
            refused(
                "a byte short",
                with_header(&good, |header| header.replace(signature, &short)),
                "signature",
            ),
            refused(
                "without padding",
                with_header(&good, |header| header.trim_end_matches('=').to_owned()),
                "malformed",
            ),
            refused("more padding", with_header(&good, |header| format!("{header}=")), "malformed"),
            refused(
                "another alphabet",
                good.clone().with(
                    HEADER,
                    format!("t={},v0=-_{}", super::time_of(good.header(HEADER)), &signature.split_at(2).1),
                ),
                "malformed",
            ),
            refused("a blank", with_header(&good, |header| header.replace(',', ", ")), "malformed"),
            refused("two times", with_header(&good, |header| format!("t=1,{header}")), "malformed"),
            refused(
                "two signatures",
                with_header(&good, |header| format!("{header},v0={signature}")),
                "malformed",
            ),
            refused("no time", good.clone().with(HEADER, format!("v0={signature}")), "malformed"),
            refused(
                "no signature",
                with_header(&good, |header| header.split_once(',').unwrap().0.to_owned()),
                "malformed",
            ),
            refused("two lines of the header", good.clone().adding(HEADER, good.header(HEADER)), "malformed"),
            refused(
                "nine thousand characters",
                with_header(&good, |header| format!("{header}{}", "A".repeat(9_000))),
                "malformed",
            ),
            accepted("the delivery itself", good),
        ],
    );
}

#[test]
fn other_schemes_and_keys_are_refused() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.bridge(body("schemes"));
    let t = now().as_millisecond();
    let by = |key, scheme| good.clone().with(HEADER, providers.signer.bridge_as(key, t, &good.body, scheme));
    let _ = providers.signer.key("another endpoint", "2048");
    judge(
        &server,
        vec![
            refused("one digest", by(BRIDGE_KEY, "single"), "signature"),
            refused("PSS", by(BRIDGE_KEY, "pss"), "signature"),
            refused("SHA-1", by(BRIDGE_KEY, "sha1"), "signature"),
            refused("SHA-512", by(BRIDGE_KEY, "sha512"), "signature"),
            refused("the key of another endpoint", by("another endpoint", "double"), "signature"),
            accepted("as Bridge does", good),
        ],
    );
}

#[test]
fn times_are_whole_milliseconds_at_most_ten_minutes_old_or_one_ahead() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (good, now) = (providers.bridge(body("times")), now().as_millisecond());
    let case = |what, t: serde_json::Value, reason| refused(what, at(&providers, &t, &good), reason);
    judge(
        &server,
        vec![
            case("eleven minutes old", (now - 660_000).into(), "stale"),
            case("two minutes ahead", (now + 120_000).into(), "future"),
            case("seconds", (now / 1000).into(), "stale"),
            case("negative", (-now).into(), "malformed"),
            case("2^63", "9223372036854775808".into(), "malformed"),
            case("a plus", format!("+{now}").into(), "malformed"),
            case("leading zeros", format!("0{now}").into(), "malformed"),
            case("an empty time", "".into(), "malformed"),
            accepted("nine minutes old", at(&providers, &(now - 540_000).into(), &good)),
        ],
    );
}

#[test]
fn a_retry_signed_anew_is_the_same_delivery() {
    let providers = Providers::new();
    let server = providers.options().start();
    let body = body("retry");
    let first = server.deliver(&providers.bridge(body.clone()));
    assert_eq!((first.status, &first.json()["status"]), (200, &json!("stored")), "{first:?}");
    std::thread::sleep(std::time::Duration::from_millis(5));
    let again = server.deliver(&providers.bridge(body));
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("duplicate")), "{again:?}");
    assert_eq!(first.json()["id"], again.json()["id"]);
}

#[test]
fn the_published_example_has_a_good_signature_and_is_too_old() {
    let providers = Providers::new();
    let pem = format!("-----BEGIN PUBLIC KEY-----\\n{OFFICIAL_KEY}\\n-----END PUBLIC KEY-----");
    let server = providers.options().set("BRIDGE_WEBHOOK_SECRET", pem).start();
    let official = providers.bridge(OFFICIAL_BODY).with(HEADER, OFFICIAL_HEADER);
    // Freshness is judged after the signature, so "stale" says that the signature is good.
    judge(
        &server,
        vec![
            refused("as published", official.clone(), "stale"),
            refused("another body", official.carrying(r#"{"message":"Hello World?"}"#), "signature"),
        ],
    );
}

#[test]
fn what_openssl_signs_is_accepted() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, place) = (body("openssl"), tempfile::tempdir().unwrap());
    let private = providers.signer.key(BRIDGE_KEY, "2048").private_pem;
    std::fs::write(place.path().join("private"), private).unwrap();
    let t = now().as_millisecond();
    let digest = openssl(place.path(), &["dgst", "-sha256", "-binary"], format!("{t}.{body}").as_bytes());
    let signature = openssl(place.path(), &["dgst", "-sha256", "-sign", "private"], &digest);
    let header = format!("t={t},v0={}", BASE64_STANDARD.encode(signature));
    assert_eq!(server.deliver(&providers.bridge(body).with(HEADER, header)).status, 200);
}
