//! Bridge's scheme: RSA over the digest of a digest.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tests::events::bridge;
use tests::providers::{BRIDGE_KEY, Providers, SignedRequest, now};
use tests::signer::openssl;

use super::{accepted, check_cases, flip_bit, rejected};

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
    request.clone().with_header(HEADER, header)
}

/// Signed for this time.
fn at(providers: &Providers, t: &serde_json::Value, request: &SignedRequest) -> SignedRequest {
    let body = BASE64_STANDARD.encode(&request.body);
    let request_json = json!({"op": "bridge", "key": BRIDGE_KEY, "t": t, "body": body});
    request.clone().with_header(HEADER, providers.signer.call(request_json)["header"].as_str().unwrap())
}

#[test]
fn a_modified_body_time_or_signature_is_rejected() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.bridge(body("modified"));
    let text = String::from_utf8(good.body.clone()).unwrap();
    let (_, signature) = good.header(HEADER).split_once(",v0=").unwrap();
    let flipped_signature = BASE64_STANDARD.encode(flip_bit(&BASE64_STANDARD.decode(signature).unwrap()));
    let short = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(signature).unwrap()[1..]);
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
            rejected(
                "a bit of the signature",
                with_header(&good, |header| header.replace(signature, &flipped_signature)),
                "signature",
            ),
            rejected(
                "a millisecond later",
                with_header(&good, |header| {
                    let t = super::time_of(header);
                    header.replace(&t.to_string(), &(t + 1).to_string())
                }),
                "signature",
            ),
            rejected(
                "a byte short",
                with_header(&good, |header| header.replace(signature, &short)),
                "signature",
            ),
            rejected(
                "without padding",
                with_header(&good, |header| header.trim_end_matches('=').to_owned()),
                "malformed",
            ),
            rejected("more padding", with_header(&good, |header| format!("{header}=")), "malformed"),
            rejected(
                "another alphabet",
                good.clone().with_header(
                    HEADER,
                    format!("t={},v0=-_{}", super::time_of(good.header(HEADER)), &signature.split_at(2).1),
                ),
                "malformed",
            ),
            rejected("a blank", with_header(&good, |header| header.replace(',', ", ")), "malformed"),
            rejected("two times", with_header(&good, |header| format!("t=1,{header}")), "malformed"),
            rejected(
                "two signatures",
                with_header(&good, |header| format!("{header},v0={signature}")),
                "malformed",
            ),
            rejected("no time", good.clone().with_header(HEADER, format!("v0={signature}")), "malformed"),
            rejected(
                "no signature",
                with_header(&good, |header| header.split_once(',').unwrap().0.to_owned()),
                "malformed",
            ),
            rejected(
                "two lines of the header",
                good.clone().with_added_header(HEADER, good.header(HEADER)),
                "malformed",
            ),
            rejected(
                "nine thousand characters",
                with_header(&good, |header| format!("{header}{}", "A".repeat(9_000))),
                "malformed",
            ),
            accepted("the delivery itself", good),
        ],
    );
}

#[test]
fn other_schemes_and_keys_are_rejected() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.bridge(body("schemes"));
    let t = now().as_millisecond();
    let by = |key, scheme| {
        good.clone().with_header(HEADER, providers.signer.bridge_as(key, t, &good.body, scheme))
    };
    let _ = providers.signer.key("another endpoint", "2048");
    check_cases(
        &server,
        vec![
            rejected("one digest", by(BRIDGE_KEY, "single"), "signature"),
            rejected("PSS", by(BRIDGE_KEY, "pss"), "signature"),
            rejected("SHA-1", by(BRIDGE_KEY, "sha1"), "signature"),
            rejected("SHA-512", by(BRIDGE_KEY, "sha512"), "signature"),
            rejected("the key of another endpoint", by("another endpoint", "double"), "signature"),
            accepted("as Bridge does", good),
        ],
    );
}

#[test]
fn times_are_whole_milliseconds_at_most_ten_minutes_old_or_one_ahead() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (good, now) = (providers.bridge(body("times")), now().as_millisecond());
    let case = |what, t: serde_json::Value, reason| rejected(what, at(&providers, &t, &good), reason);
    check_cases(
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
fn a_retry_with_a_new_signature_is_a_duplicate() {
    let providers = Providers::new();
    let server = providers.options().start();
    let body = body("retry");
    let first = server.deliver(&providers.bridge(body.clone()));
    assert_eq!((first.status, &first.json()["status"]), (200, &json!("stored")), "{first:?}");
    std::thread::sleep(std::time::Duration::from_millis(5));
    let retry = server.deliver(&providers.bridge(body));
    assert_eq!((retry.status, &retry.json()["status"]), (200, &json!("duplicate")), "{retry:?}");
    assert_eq!(first.json()["id"], retry.json()["id"]);
}

#[test]
fn the_published_example_has_a_valid_signature_and_is_stale() {
    let providers = Providers::new();
    let pem = format!("-----BEGIN PUBLIC KEY-----\\n{OFFICIAL_KEY}\\n-----END PUBLIC KEY-----");
    let server = providers.options().set("BRIDGE_WEBHOOK_SECRET", pem).start();
    let official = providers.bridge(OFFICIAL_BODY).with_header(HEADER, OFFICIAL_HEADER);
    // Freshness is checked after the signature, so "stale" means that the signature is valid.
    check_cases(
        &server,
        vec![
            rejected("as published", official.clone(), "stale"),
            rejected("another body", official.with_body(r#"{"message":"Hello World?"}"#), "signature"),
        ],
    );
}

#[test]
fn signatures_of_openssl_are_accepted() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, directory) = (body("openssl"), tempfile::tempdir().unwrap());
    let private = providers.signer.key(BRIDGE_KEY, "2048").private_pem;
    std::fs::write(directory.path().join("private"), private).unwrap();
    let t = now().as_millisecond();
    let digest = openssl(directory.path(), &["dgst", "-sha256", "-binary"], format!("{t}.{body}").as_bytes());
    let signature = openssl(directory.path(), &["dgst", "-sha256", "-sign", "private"], &digest);
    let header = format!("t={t},v0={}", BASE64_STANDARD.encode(signature));
    assert_eq!(server.deliver(&providers.bridge(body).with_header(HEADER, header)).status, 200);
}
