//! API keys: who is let in, who is not, and what a guesser learns.

use std::time::Instant;

use reqwest::Method;
use tests::{Answer, ServerOptions};

const VIEWER: &str = "auth-test-Vw3kPz8mQx5tRb7nLc2yHs9dJf";
const TRADER: &str = "auth-test-Td6gKw1pXq9vMz4rBn8cLt5yHs";

/// Guesses that one address has before it is throttled, and the time after which it has one more: ten a minute.
const GUESSES: usize = 10;
const GUESS_EVERY_S: u64 = 6;
/// More guesses than are let through on a machine however slow.
const GUESSES_MANY: usize = 100;

fn guarded() -> ServerOptions {
    ServerOptions::new().set("API_KEYS", format!("{VIEWER},{TRADER}:trader"))
}

#[test]
fn a_valid_key_is_accepted_in_either_header_and_only_once() {
    let server = guarded().start();
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
fn every_refused_key_gets_the_same_answer() {
    let server = guarded().start();
    let one_off = VIEWER.replace('V', "W");
    let padded = format!("{VIEWER} x");
    let basic = format!("Basic {VIEWER}");
    let long = "k".repeat(300);
    let refusals: Vec<Answer> = [
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
    for refusal in &refusals {
        assert_eq!(refusal.status, 401);
        assert!(refusal.header("www-authenticate").is_some());
        let mut problem = refusal.problem();
        let mut first = refusals[0].json();
        for document in [&mut problem, &mut first] {
            document["request_id"] = "".into();
        }
        assert_eq!(problem, first, "nothing tells one refusal from another");
    }
}

#[test]
fn failures_are_throttled_and_never_lock_out_a_valid_key() {
    let server = guarded().set("RATE_LIMIT_PER_MINUTE", "100000").start();
    let guess = |number: usize| {
        server.get("/api/symbols", &[("x-api-key", &format!("guess-{number:08}-aaaaaaaaaaaaaaaaaaaa"))])
    };
    assert_eq!(guess(0).status, 401);
    let refused = (1..GUESSES_MANY).map(&guess).find(|answer| answer.status == 429);
    let refused = refused.unwrap_or_else(|| panic!("{GUESSES_MANY} guesses were let through"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    for _ in 0..5 {
        assert_eq!(server.get("/api/symbols", &[("x-api-key", VIEWER)]).status, 200, "from the same address");
    }
    let again = Instant::now();
    let let_through = (0..2 * GUESSES).filter(|number| guess(*number).status == 401).count();
    // What a slow machine's time has given back, and one that was there already: never a fresh ten.
    let given_back = usize::try_from(again.elapsed().as_secs() / GUESS_EVERY_S).unwrap();
    assert!(let_through <= given_back + 2, "a success resets no guesser's counter: {let_through}");
}

#[test]
fn a_guesser_behind_a_proxy_throttles_nobody_else() {
    let server =
        guarded().set("TRUSTED_PROXIES", "127.0.0.1/32").set("RATE_LIMIT_PER_MINUTE", "100000").start();
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
fn keys_that_are_weak_unknown_or_repeated_stop_the_start() {
    for (keys, said) in [
        (format!("{VIEWER}:owner"), "role"),
        ("changeme:viewer".to_owned(), "placeholder"),
        ("short".to_owned(), "weak"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(), "weak"),
        (format!("{VIEWER}:viewer,{VIEWER}:admin"), "same as"),
        (format!("{VIEWER},,{TRADER}"), "empty"),
    ] {
        let (status, log) = ServerOptions::new().set("API_KEYS", keys.clone()).refused();
        assert!(!status.success(), "{keys}");
        assert!(log.to_lowercase().contains(said), "{said} is said of {keys}: {log}");
        assert!(log.contains("API_KEYS") || log.contains("api_keys"), "{log}");
        assert!(!log.contains(VIEWER) && !log.contains("changeme"), "no part of a key: {log}");
    }
}

#[test]
fn without_keys_the_server_is_open_on_loopback_only_and_says_so() {
    let server = ServerOptions::new().start();
    assert_eq!(server.get("/api/symbols", &[]).status, 200);
    let warned = server
        .events()
        .iter()
        .any(|event| event["level"] == "WARN" && event.to_string().contains("API_KEYS"));
    assert!(warned, "{}", server.log());
    for options in [
        ServerOptions::new().set("REQUIRE_AUTH", "true"),
        ServerOptions::new().set("BIND_ADDRESS", "0.0.0.0:0"),
        ServerOptions::new().set("INVESTIQ_PROFILE", "production"),
    ] {
        let (status, log) = options.refused();
        assert!(!status.success() && log.contains("API_KEYS"), "{options:?}: {log}");
    }
}

#[test]
fn a_preflight_needs_no_key_and_only_listed_origins_are_allowed() {
    let server = guarded().set("ALLOWED_ORIGINS", "https://app.example,https://admin.example").start();
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
    let answer = server.get("/api/symbols", &[("origin", "https://app.example"), ("x-api-key", VIEWER)]);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    for wrong in ["*", "app.example", "https://app.example/path"] {
        let (status, log) = guarded().set("ALLOWED_ORIGINS", wrong).refused();
        assert!(!status.success() && log.contains("ALLOWED_ORIGINS"), "{wrong}: {log}");
    }
}
