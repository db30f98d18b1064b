//! API keys: which are accepted, and what a guesser learns.

use std::time::Instant;

use reqwest::Method;
use tests::database::Database;
use tests::{Response, ServerOptions};

const VIEWER: &str = "auth-test-Vw3kPz8mQx5tRb7nLc2yHs9dJf";
const TRADER: &str = "auth-test-Td6gKw1pXq9vMz4rBn8cLt5yHs";

/// One address may fail ten times, and once more every six seconds.
const GUESSES: usize = 10;
const GUESS_EVERY_S: u64 = 6;
/// More guesses than get through, however slow the machine.
const GUESSES_MANY: usize = 100;

fn with_keys() -> ServerOptions {
    ServerOptions::new().set("API_KEYS", format!("{VIEWER},{TRADER}:trader"))
}

#[test]
fn a_valid_key_is_accepted_in_either_header_and_only_once() {
    let server = with_keys().start();
    let bearer = format!("Bearer {VIEWER}");
    let lower = format!("bearer {VIEWER}");
    for headers in
        [[("x-api-key", VIEWER)], [("authorization", bearer.as_str())], [("authorization", &lower)]]
    {
        assert_eq!(server.get("/api/symbols", &headers).status, 200, "{headers:?}");
    }
    for headers in [
        vec![("x-api-key", VIEWER), ("authorization", bearer.as_str())],
        vec![("x-api-key", VIEWER), ("x-api-key", VIEWER)],
        vec![("x-api-key", VIEWER), ("authorization", "Bearer wrong")],
        vec![("authorization", bearer.as_str()), ("authorization", bearer.as_str())],
    ] {
        assert_eq!(server.get("/api/symbols", &headers).status, 400, "{headers:?}");
    }
    assert_eq!(server.get(&format!("/api/symbols?api_key={VIEWER}"), &[]).status, 401, "never in the query");
}

#[test]
fn every_invalid_key_gets_the_same_response() {
    let server = with_keys().start();
    let one_off = VIEWER.replace('V', "W");
    let padded = format!("{VIEWER} x");
    let basic = format!("Basic {VIEWER}");
    let long = "k".repeat(300);
    let responses: Vec<Response> = [
        vec![],
        vec![("x-api-key", "wrong")],
        vec![("x-api-key", one_off.as_str())],
        vec![("x-api-key", padded.as_str())],
        vec![("x-api-key", long.as_str())],
        vec![("x-api-key", "iq_live_AAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_000000")],
        vec![("authorization", basic.as_str())],
        vec![("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.")],
    ]
    .iter()
    .map(|headers| server.get("/api/analyze/AAPL", headers))
    .collect();
    for response in &responses {
        assert_eq!(response.status, 401);
        assert!(response.header("www-authenticate").is_some());
        let mut problem = response.problem();
        let mut first = responses[0].json();
        for document in [&mut problem, &mut first] {
            document["request_id"] = "".into();
        }
        assert_eq!(problem, first, "all responses look the same");
    }
}

#[test]
fn failures_are_throttled_and_never_lock_out_a_valid_key() {
    let server = with_keys().set("RATE_LIMIT_PER_MINUTE", "100000").start();
    let guess = |number: usize| {
        server.get("/api/symbols", &[("x-api-key", &format!("guess-{number:08}-aaaaaaaaaaaaaaaaaaaa"))])
    };
    assert_eq!(guess(0).status, 401);
    let throttled = (1..GUESSES_MANY).map(&guess).find(|response| response.status == 429);
    let throttled = throttled.unwrap_or_else(|| panic!("{GUESSES_MANY} guesses got through"));
    assert!(throttled.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    for _ in 0..5 {
        assert_eq!(server.get("/api/symbols", &[("x-api-key", VIEWER)]).status, 200, "from the same address");
    }
    let started = Instant::now();
    let got_through = (0..2 * GUESSES).filter(|number| guess(*number).status == 401).count();
    // What was replenished meanwhile and at most one before: never a fresh ten.
    let replenished = usize::try_from(started.elapsed().as_secs() / GUESS_EVERY_S).unwrap();
    assert!(got_through <= replenished + 2, "a success does not reset the counter: {got_through}");
}

#[test]
fn a_guesser_behind_a_proxy_throttles_no_other_client() {
    let server =
        with_keys().set("TRUSTED_PROXIES", "127.0.0.1/32").set("RATE_LIMIT_PER_MINUTE", "100000").start();
    let from = |client: &str, key: &str| {
        server.get("/api/symbols", &[("x-forwarded-for", client), ("x-api-key", key)]).status
    };
    let guess = |number: usize| from("198.51.100.1", &format!("guess-{number:08}-bbbbbbbbbbbbbbbbbbbb"));
    assert!((0..GUESSES_MANY).any(|number| guess(number) == 429), "a guesser is throttled");
    assert_eq!(from("198.51.100.2", "other-wrong-cccccccccccccccccccccccc"), 401);
    assert_eq!(from("198.51.100.2", VIEWER), 200);
    assert_eq!(from("198.51.100.1", VIEWER), 200);
}

#[test]
fn refusals_and_first_uses_are_in_the_audit_chain_and_in_the_metrics_of_each_key() {
    let mut server = with_keys().start();
    let status = |path: &str, key: &str| server.get(path, &[("x-api-key", key)]).status;
    let wrong = "wrong-key-cccccccccccccccccccccccc";
    assert_eq!([wrong, wrong, VIEWER, VIEWER].map(|key| status("/api/symbols", key)), [401, 401, 200, 200]);
    assert_eq!(status("/api/admin/webhooks", VIEWER), 403);
    let metrics = server.get("/metrics", &[]).body;
    assert!(!server.stop_and_read_log().contains(wrong));
    // The name of the key in the access log.
    let events = server.events();
    let forbidden = events.iter().find(|event| event["status"] == 403).unwrap();
    let label = forbidden["key"].as_str().unwrap();
    for (anomaly, key, count) in [("unknown", "other", 2), ("forbidden", label, 1), ("new_network", label, 0)]
    {
        let line = format!(r#"investiq_api_key_anomalies_total{{anomaly="{anomaly}",key="{key}"}} {count}"#);
        assert!(metrics.contains(&line), "{line} {metrics}");
    }
    let database = Database::Sqlite(server.directory().join("data/investiq.db"));
    let rows = database
        .rows("SELECT actor, action, detail FROM audit_entries WHERE action LIKE 'auth.%' ORDER BY action");
    let expected = [
        [format!("key:{label}"), "auth.first_use".to_owned(), r#"{"count":1}"#.to_owned()],
        [format!("key:{label}"), "auth.forbid".to_owned(), r#"{"count":1}"#.to_owned()],
        ["network:127.0.0.1".to_owned(), "auth.reject".to_owned(), r#"{"count":2}"#.to_owned()],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn weak_unknown_or_repeated_keys_prevent_the_start() {
    for (keys, reason) in [
        (format!("{VIEWER}:owner"), "role"),
        ("changeme:viewer".to_owned(), "placeholder"),
        ("short".to_owned(), "weak"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(), "weak"),
        (format!("{VIEWER}:viewer,{VIEWER}:admin"), "same as"),
        (format!("{VIEWER},,{TRADER}"), "empty"),
    ] {
        let (status, log) = ServerOptions::new().set("API_KEYS", keys.clone()).start_failure();
        assert!(!status.success(), "{keys}");
        assert!(log.to_lowercase().contains(reason), "{keys} is rejected as {reason}: {log}");
        assert!(log.contains("API_KEYS") || log.contains("api_keys"), "{log}");
        assert!(!log.contains(VIEWER) && !log.contains("changeme"), "no part of a key: {log}");
    }
}

#[test]
fn without_keys_the_server_is_open_on_loopback_only_and_says_so() {
    let server = ServerOptions::new().start();
    assert_eq!(server.get("/api/symbols", &[]).status, 200);
    let is_said = server.events().iter().any(|event| {
        let text = event.to_string();
        text.contains("clients on this machine have read access") && text.contains("API_KEYS")
    });
    assert!(is_said, "{}", server.log());
    for options in [
        ServerOptions::new().set("REQUIRE_AUTH", "true"),
        ServerOptions::new().set("BIND_ADDRESS", "0.0.0.0:0"),
        ServerOptions::new().set("INVESTIQ_PROFILE", "production"),
    ] {
        let (status, log) = options.start_failure();
        assert!(!status.success() && log.contains("API_KEYS"), "{options:?}: {log}");
    }
}

#[test]
fn a_preflight_needs_no_key_and_only_listed_origins_are_allowed() {
    let server = with_keys().set("ALLOWED_ORIGINS", "https://app.example,https://admin.example").start();
    let preflight = |origin: &str| {
        server.send(
            Method::OPTIONS,
            "/api/symbols",
            &[
                ("origin", origin),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", "x-api-key"),
            ],
            None,
        )
    };
    let allowed = preflight("https://app.example");
    assert!(allowed.status < 300, "{allowed:?}");
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(allowed.header("vary").is_some_and(|vary| vary.to_lowercase().contains("origin")));
    for origin in ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"] {
        assert_eq!(preflight(origin).header("access-control-allow-origin"), None, "{origin}");
    }
    let response = server.get("/api/symbols", &[("origin", "https://app.example"), ("x-api-key", VIEWER)]);
    assert_eq!(response.header("access-control-allow-origin"), Some("https://app.example"));
    for wrong in ["*", "app.example", "https://app.example/path"] {
        let (status, log) = with_keys().set("ALLOWED_ORIGINS", wrong).start_failure();
        assert!(!status.success() && log.contains("ALLOWED_ORIGINS"), "{wrong}: {log}");
    }
}
