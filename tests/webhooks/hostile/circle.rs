//! Circle's second system: ECDSA over the body by a key that is asked for by id.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tests::Server;
use tests::events::{circle_test, circle_transaction, uuid};
use tests::providers::{CIRCLE_KEY, CIRCLE_KEY_ID, Providers, SignedRequest, now};
use tests::signer::openssl;

use super::{accepted, bent, judge, kept, refused};

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
    let answer = server.deliver(request);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["status"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_bent_in_body_or_signature_is_refused() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.circle(body("bent"));
    let text = String::from_utf8(good.body.clone()).unwrap();
    let der = BASE64_STANDARD.decode(good.header(SIGNATURE)).unwrap();
    let _ = providers.signer.key("another key", "P-256");
    let as_form =
        |form| good.clone().with(SIGNATURE, providers.signer.circle_as(CIRCLE_KEY, &good.body, form));
    judge(
        &server,
        vec![
            refused("no signature", good.clone().without(SIGNATURE), "missing"),
            refused("no key id", good.clone().without(KEY_ID), "missing"),
            refused("a bit of the body", good.clone().carrying(bent(&good.body)), "signature"),
            refused(
                "the body written again",
                good.clone().carrying(text.replace("\":", "\": ")),
                "signature",
            ),
            refused("a line end after the body", good.clone().carrying(format!("{text}\n")), "signature"),
            refused(
                "a bit of the signature",
                good.clone().with(SIGNATURE, BASE64_STANDARD.encode(bent(&der))),
                "signature",
            ),
            refused("r and s as they are", as_form("raw"), "signature"),
            refused("r of zero", as_form("zero_r"), "signature"),
            refused("s of zero", as_form("zero_s"), "signature"),
            refused("a byte after the signature", as_form("trailing"), "signature"),
            refused(
                "another key",
                good.clone().with(SIGNATURE, providers.signer.circle("another key", &good.body)),
                "signature",
            ),
            refused("no Base64", good.clone().with(SIGNATURE, "%%%"), "malformed"),
            refused(
                "without padding",
                good.clone()
                    .with(SIGNATURE, good.header(SIGNATURE).trim_end_matches('=').replace('/', "_") + "-"),
                "malformed",
            ),
            refused("two signatures", good.clone().adding(SIGNATURE, good.header(SIGNATURE)), "malformed"),
            refused("two key ids", good.clone().adding(KEY_ID, CIRCLE_KEY_ID), "malformed"),
            accepted("the delivery itself", good.clone()),
        ],
    );
    // Both signatures of one message are good, and none of the two makes it another message.
    assert_eq!(status(&server, &as_form("high_s")), "duplicate");
    assert_eq!(status(&server, &as_form("low_s")), "duplicate");
    assert_eq!(kept(&server), 1);
    assert_eq!(providers.circle.asked(), [CIRCLE_KEY_ID], "a key is asked for once");
}

#[test]
fn a_hostile_key_id_costs_nobody_a_call() {
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
    let cases =
        cases.map(|id| refused("a key id that is no UUID", good.clone().with(KEY_ID, id), "malformed"));
    judge(&server, cases.into());
    assert_eq!(providers.circle.asked(), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_asked_for_once_and_many_cannot_be_asked_for() {
    let providers = Providers::new();
    let server = providers.options().start();
    let good = providers.circle(body("unknown"));
    let unknown = good.clone().with(KEY_ID, uuid("nobody's key"));
    judge(&server, (0..5).map(|_| refused("an unknown key", unknown.clone(), "unknown_key")).collect());
    assert_eq!(providers.circle.asked().len(), 1, "that it is unknown is remembered");
    for number in 0..500 {
        let answer = server.deliver(&good.clone().with(KEY_ID, uuid(&format!("made up {number}"))));
        assert!(matches!(answer.status, 401 | 503), "{answer:?}");
        assert!(answer.status != 503 || answer.header("retry-after").is_some(), "{answer:?}");
    }
    let asked = providers.circle.asked().len();
    assert!(asked < 100, "{asked} calls for 501 made-up ids");
}

#[test]
fn a_key_of_another_curve_signs_nothing() {
    let providers = Providers::new();
    let id = uuid("a key of another curve");
    providers.circle.publish(&id, &providers.signer.key("another curve", "P-384").der);
    let server = providers.options().start();
    let good = providers.circle(body("curve"));
    let signature = providers.signer.circle("another curve", &good.body);
    let answer = server.deliver(&good.with(KEY_ID, id).with(SIGNATURE, signature));
    assert!(matches!(answer.status, 401 | 503), "{answer:?}");
    assert_eq!(kept(&server), 0);
}

#[test]
fn the_published_example_is_accepted_each_time_somebody_presses_the_button() {
    let providers = Providers::new();
    providers.circle.publish(OFFICIAL_ID, OFFICIAL_KEY);
    let server = providers.options().start();
    let official =
        providers.circle(OFFICIAL_BODY).with(KEY_ID, OFFICIAL_ID).with(SIGNATURE, OFFICIAL_SIGNATURE);
    assert_eq!(status(&server, &official), "stored");
    judge(
        &server,
        vec![refused("with a line end", official.carrying(format!("{OFFICIAL_BODY}\n")), "signature")],
    );
    // Every ping has the same ids, all zero.
    for _ in 0..2 {
        assert_eq!(status(&server, &providers.circle(circle_test(now()))), "stored");
    }
}

#[test]
fn what_openssl_signs_is_accepted() {
    let providers = Providers::new();
    let server = providers.options().start();
    let (body, place) = (body("openssl"), tempfile::tempdir().unwrap());
    std::fs::write(place.path().join("private"), providers.signer.key(CIRCLE_KEY, "P-256").private_pem)
        .unwrap();
    let signature = openssl(place.path(), &["dgst", "-sha256", "-sign", "private"], body.as_bytes());
    let request = providers.circle(body).with(SIGNATURE, BASE64_STANDARD.encode(signature));
    assert_eq!(status(&server, &request), "stored");
}

#[test]
fn a_subscription_is_tried_with_a_head_request() {
    let providers = Providers::new();
    let server = providers.options().start();
    let answer = server.send(reqwest::Method::HEAD, "/api/v1/webhooks/circle", &[], None);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    for path in ["/api/v1/webhooks/bridge", "/api/v1/webhooks/alpaca/trade", "/api/v1/webhooks/circle"] {
        assert_eq!(server.get(path, &[]).status, 405, "{path}");
    }
}
