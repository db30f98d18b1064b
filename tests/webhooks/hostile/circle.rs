//! Circle v2: ECDSA over the body, with a key that is fetched by id.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tests::Server;
use tests::events::{circle_test, circle_transaction, uuid};
use tests::providers::{CIRCLE_KEY, CIRCLE_KEY_ID, Providers, SignedRequest, now};
use tests::signer::openssl;

use super::{accepted, check_cases, event_count, flip_bit, rejected};

const SIGNATURE: &str = "x-circle-signature";
const KEY_ID: &str = "x-circle-key-id";

/// Circle's page on webhook notifications: a key, its id, a signature and the body.
const OFFICIAL_ID: &str = "879dc113-5ca4-4ff7-a6b7-54652083fcf8";
const OFFICIAL_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESl76SZPBJemW0mJNN4KTvYkLT8bOT4UGhFhzNk3fJqf6iuPlLQLq533FelXwczJbjg2U1PHTvQTK7qOQnDL2Tg==";
const OFFICIAL_SIGNATURE: &str =
    "MEQCIBlJPX7t0FDOcozsRK6qIQwik5Fq6mhAtCSSgIB/yQO7AiB9U5lVpdufKvPhk3cz4TH2f5MP7ArnmPRBmhPztpsIFQ==";
const OFFICIAL_BODY: &str = r#"{"subscriptionId":"00000000-0000-0000-0000-000000000000","notificationId":"00000000-0000-0000-0000-000000000000","notificationType":"webhooks.test","notification":{"hello":"world"},"timestamp":"2024-01-26T18:22:19.779834211Z","version":2}"#;

fn body(name: &str) -> String {
    circle_transaction(now(), "challenges.initialize", &json!({"id": uuid(name)}))
}

fn status(server: &Server, request: &SignedRequest) -> String {
    let response = server.deliver(request);
    assert_eq!(response.status, 200, "{response:?}");
    response.json()["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_modified_body_or_signature_is_rejected() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.circle(body("modified"));
    let text = String::from_utf8(good.body.clone()).unwrap();
    let der = BASE64_STANDARD.decode(good.header(SIGNATURE)).unwrap();
    let _ = providers.signer.key("another key", "P-256");
    let as_form =
        |form| good.clone().with_header(SIGNATURE, providers.signer.circle_as(CIRCLE_KEY, &good.body, form));
    check_cases(
        &server,
        vec![
            rejected("no signature", good.clone().without_header(SIGNATURE), "missing"),
            rejected("no key id", good.clone().without_header(KEY_ID), "missing"),
            rejected("a bit of the body", good.clone().with_body(flip_bit(&good.body)), "signature"),
            rejected(
                "the body written again",
                good.clone().with_body(text.replace("\":", "\": ")),
                "signature",
            ),
            rejected("a line end after the body", good.clone().with_body(format!("{text}\n")), "signature"),
            rejected(
                "a bit of the signature",
                good.clone().with_header(SIGNATURE, BASE64_STANDARD.encode(flip_bit(&der))),
                "signature",
            ),
            rejected("r and s as they are", as_form("raw"), "signature"),
            rejected("r of zero", as_form("zero_r"), "signature"),
            rejected("s of zero", as_form("zero_s"), "signature"),
            rejected("a byte after the signature", as_form("trailing"), "signature"),
            rejected(
                "another key",
                good.clone().with_header(SIGNATURE, providers.signer.circle("another key", &good.body)),
                "signature",
            ),
            rejected("no Base64", good.clone().with_header(SIGNATURE, "%%%"), "malformed"),
            rejected(
                "without padding",
                good.clone().with_header(
                    SIGNATURE,
                    good.header(SIGNATURE).trim_end_matches('=').replace('/', "_") + "-",
                ),
                "malformed",
            ),
            rejected(
                "two signatures",
                good.clone().with_added_header(SIGNATURE, good.header(SIGNATURE)),
                "malformed",
            ),
            rejected("two key ids", good.clone().with_added_header(KEY_ID, CIRCLE_KEY_ID), "malformed"),
            accepted("the delivery itself", good.clone()),
        ],
    );
    // Both signatures of a message are valid, and it is the same message with either.
    assert_eq!(status(&server, &as_form("high_s")), "duplicate");
    assert_eq!(status(&server, &as_form("low_s")), "duplicate");
    assert_eq!(event_count(&server), 1);
    assert_eq!(providers.circle.requested_ids(), [CIRCLE_KEY_ID], "a key is fetched once");
}

#[test]
fn a_malformed_key_id_causes_no_fetch() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.circle(body("ids"));
    let cases = [
        "",
        "x",
        "../../v1/configuration",
        "5d1f6b0e2f0b4f1b9c526f1f0c0c0a01",
        "%00",
        "{5d1f6b0e-2f0b-4f1b-9c52-6f1f0c0c0a01}",
        "5d1f6b0e-2f0b-4f1b-9c52-6f1f0c0c0a01/../../x",
        "5d1f6b0e-2f0b-4f1b-9c52-6f1f0c0c0a0g",
        "http://169.254.169.254/",
    ];
    let cases = cases
        .map(|id| rejected("a key id that is no UUID", good.clone().with_header(KEY_ID, id), "malformed"));
    check_cases(&server, cases.into());
    assert_eq!(providers.circle.requested_ids(), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_fetched_once_and_fetches_are_limited() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.circle(body("unknown"));
    let unknown = good.clone().with_header(KEY_ID, uuid("nobody's key"));
    check_cases(
        &server,
        (0..5).map(|_| rejected("an unknown key", unknown.clone(), "unknown_key")).collect(),
    );
    assert_eq!(providers.circle.requested_ids().len(), 1, "the unknown key is cached");
    for number in 0..500 {
        let response = server.deliver(&good.clone().with_header(KEY_ID, uuid(&format!("made up {number}"))));
        assert!(matches!(response.status, 401 | 503), "{response:?}");
        assert!(response.status != 503 || response.header("retry-after").is_some(), "{response:?}");
    }
    let fetches = providers.circle.requested_ids().len();
    assert!(fetches < 100, "{fetches} fetches for 501 unknown ids");
}

#[test]
fn a_key_of_another_curve_is_rejected() {
    let providers = Providers::new();
    let id = uuid("a key of another curve");
    providers.circle.publish(&id, &providers.signer.key("another curve", "P-384").der);
    let server = providers.options().start();
    let good = providers.circle(body("curve"));
    let signature = providers.signer.circle("another curve", &good.body);
    let response = server.deliver(&good.with_header(KEY_ID, id).with_header(SIGNATURE, signature));
    assert!(matches!(response.status, 401 | 503), "{response:?}");
    assert_eq!(event_count(&server), 0);
}

#[test]
fn the_published_example_is_accepted_and_each_test_notification_is_stored() {
    let providers = Providers::new();
    providers.circle.publish(OFFICIAL_ID, OFFICIAL_KEY);
    let server = providers.options().start();
    let official = providers
        .circle(OFFICIAL_BODY)
        .with_header(KEY_ID, OFFICIAL_ID)
        .with_header(SIGNATURE, OFFICIAL_SIGNATURE);
    assert_eq!(status(&server, &official), "stored");
    check_cases(
        &server,
        vec![rejected("with a line end", official.with_body(format!("{OFFICIAL_BODY}\n")), "signature")],
    );
    // Every test notification has the same ids, all zero.
    for _ in 0..2 {
        assert_eq!(status(&server, &providers.circle(circle_test(now()))), "stored");
    }
}

#[test]
fn signatures_of_openssl_are_accepted() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, directory) = (body("openssl"), tempfile::tempdir().unwrap());
    std::fs::write(directory.path().join("private"), providers.signer.key(CIRCLE_KEY, "P-256").private_pem)
        .unwrap();
    let signature = openssl(directory.path(), &["dgst", "-sha256", "-sign", "private"], body.as_bytes());
    let request = providers.circle(body).with_header(SIGNATURE, BASE64_STANDARD.encode(signature));
    assert_eq!(status(&server, &request), "stored");
}

#[test]
fn a_head_request_succeeds_at_circles_endpoint_only() {
    let providers = Providers::new();
    let server = providers.options().start();
    let response = server.send(reqwest::Method::HEAD, "/api/v1/webhooks/circle", &[], None);
    assert_eq!((response.status, response.body.as_str()), (200, ""));
    for path in ["/api/v1/webhooks/bridge", "/api/v1/webhooks/alpaca/trade", "/api/v1/webhooks/circle"] {
        assert_eq!(server.get(path, &[]).status, 405, "{path}");
    }
}
