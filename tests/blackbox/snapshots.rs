//! Whole responses as reviewed snapshots in `snapshots/`.
//!
//! After an intended change: `INSTA_UPDATE=always cargo test -p tests --test blackbox snapshots`, then review the diff.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use tests::events::AlpacaAccount;
use tests::providers::{ADMIN_KEY, Providers, VIEWER_KEY, now};
use tests::{Response, Server};

/// Headers and JSON members whose values differ between runs or builds.
const REDACTED_HEADERS: [&str; 8] = [
    "content-length",
    "date",
    "etag",
    "ratelimit",
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];
const REDACTED_MEMBERS: [&str; 15] = [
    "age_s",
    "at",
    "body_sha256",
    "created_at",
    "dedupe_key",
    "entries",
    "finished_at",
    "latency_ms",
    "occurred_at",
    "posted_at",
    "received_at",
    "request_id",
    "signed_at",
    "uptime_s",
    "version",
];
/// JSON that is short, or below this depth, is written on one line.
const DEPTH_MAX: usize = 3;
const LINE_CHARS: usize = 100;

pub(crate) fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Replaces redacted values, and rounds numbers to nine digits, which are the same on every processor.
fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(_) | Value::Number(_) if REDACTED_MEMBERS.contains(&name.as_str()) => {
                *value = format!("[{name}]").into();
            }
            value => redact(value),
        }),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Number(number) if number.is_f64() => {
            *value = format!("{:.8e}", number.as_f64().unwrap()).parse::<f64>().unwrap().into();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn pretty(value: &Value, depth: usize) -> String {
    let line = value.to_string();
    if depth >= DEPTH_MAX || line.len() <= LINE_CHARS {
        return line;
    }
    let indent = "  ".repeat(depth + 1);
    let (open, lines, close): (_, Vec<String>, _) = match value {
        Value::Object(members) => {
            let member = |(name, value)| format!("{indent}\"{name}\": {}", pretty(value, depth + 1));
            ('{', members.iter().map(member).collect(), '}')
        }
        Value::Array(items) => {
            ('[', items.iter().map(|item| indent.clone() + &pretty(item, depth + 1)).collect(), ']')
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return line,
    };
    format!("{open}\n{}\n{}{close}", lines.join(",\n"), "  ".repeat(depth))
}

fn text(response: &Response) -> String {
    let header = |(name, value): &(String, String)| match REDACTED_HEADERS.contains(&name.as_str()) {
        true => format!("{name}: [{name}]\n"),
        false => format!("{name}: {value}\n"),
    };
    let mut headers: Vec<String> = response.headers.iter().map(header).collect();
    headers.sort();
    let mut body = response.json();
    redact(&mut body);
    format!("{}\n{}\n{}", response.status, headers.concat(), pretty(&body, 0))
}

/// A deposit, its duplicate, a forged copy, and a delivery of a provider without a secret.
fn deliveries(providers: &Providers, server: &Server) -> Vec<(&'static str, Response)> {
    // Whole seconds, so that the body always has the same length.
    let at = Timestamp::from_second(now().as_second()).unwrap();
    let account = AlpacaAccount::named("snapshot");
    let deposit = providers.alpaca("nta", account.entry(at, "deposit", "CSD", "100.00", "executed"));
    let forged = deposit.clone().with_body("{}");
    let responses = vec![
        ("webhook_stored", server.deliver(&deposit)),
        ("webhook_duplicate", server.deliver(&deposit)),
        ("webhook_unauthorized", server.deliver(&forged)),
        ("webhook_unavailable", server.deliver(&providers.bridge("{}"))),
    ];
    let series = "webhook_jobs_total{outcome=\"processed\",provider=\"alpaca\"}";
    server.wait_until("the deposit is applied", |server| server.metric(series) == Some(1.0));
    responses
}

fn requests(server: &Server) -> Vec<(&'static str, Response)> {
    let public = |path: &str| server.get(path, &[]);
    let viewer = |path: &str| server.get(path, &[("x-api-key", VIEWER_KEY)]);
    let admin = |path: &str| server.get(path, &[("x-api-key", ADMIN_KEY)]);
    let post = |path: &str, body: &str| server.post_json(path, &[("x-api-key", ADMIN_KEY)], body);
    let send = |method: Method, path: &str, body: Option<&str>| {
        server.send(method, path, &[("x-api-key", VIEWER_KEY)], body)
    };
    let portfolio = format!("/api/portfolio/{}", AlpacaAccount::named("snapshot").holder());
    let large = format!("{{\"symbol\":\"TEST\",\"bars\":[\"{}\"]}}", "x".repeat(8 << 20));
    vec![
        ("root", public("/")),
        ("livez", public("/livez")),
        ("readyz", public("/readyz")),
        ("health", public("/health")),
        ("symbols", viewer("/api/symbols")),
        ("bars", viewer("/api/bars/AAPL?days=5")),
        ("indicators", viewer("/api/indicators/AAPL?names=rsi:14,sma:5&days=7")),
        ("analysis", viewer("/api/analyze/FB?days=20")),
        ("portfolio", viewer(&portfolio)),
        ("ledger_entries", viewer("/api/ledger/entries")),
        ("admin_webhooks", admin("/api/admin/webhooks")),
        ("admin_webhook", admin("/api/admin/webhooks/1")),
        ("admin_dead_letters", admin("/api/admin/dead-letter")),
        ("admin_audit_verification", admin("/api/admin/audit/verify")),
        ("admin_replay_dry_run", post("/api/admin/webhooks/replay", r#"{"all":true,"dry_run":true}"#)),
        ("bad_request", post("/api/analyze", "{")),
        ("unauthorized", public("/api/symbols")),
        ("forbidden", viewer("/api/admin/webhooks")),
        ("not_found", public("/nowhere")),
        ("unknown_symbol", viewer("/api/analyze/ZZZZ")),
        ("unknown_account", viewer("/api/portfolio/alpaca:unknown")),
        ("method_not_allowed", send(Method::DELETE, "/api/symbols", None)),
        ("payload_too_large", post("/api/analyze", &large)),
        ("unsupported_media_type", send(Method::POST, "/api/analyze", Some("{}"))),
        ("unprocessable", viewer("/api/analyze/AAPL?days=0")),
    ]
}

/// The response to too many wrong keys.
fn too_many_requests(server: &Server) -> Response {
    let guess = |_| server.get("/api/symbols", &[("x-api-key", "wrong-key-Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jp4wRk7")]);
    (0..100).map(guess).find(|response| response.status == 429).unwrap()
}

#[test]
fn responses_match_their_snapshots() {
    let providers = Providers::new();
    let server = providers.options().unset("BRIDGE_WEBHOOK_SECRET").start();
    server.wait_until("it is ready", |server| server.get("/readyz", &[]).status == 200);
    let mut responses = deliveries(&providers, &server);
    responses.extend(requests(&server));
    responses.push(("too_many_requests", too_many_requests(&server)));
    for (name, response) in responses {
        assert_snapshot(name, &text(&response));
    }
}
