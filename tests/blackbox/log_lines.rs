//! The lines of a server under traffic have the fields and types that `docs/logs.md` lists. `tidy/log_page.rs` compares the page with
//! the sources.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::events::{AlpacaAccount, circle_test};
use tests::providers::{ADMIN_KEY, Providers, now};
use tests::{Server, workspace_root};

/// What only tracing adds.
const WHEN_TRACING: &str = "when tracing is on";
/// Crates of the product, and the target of secrets. Libraries have fields of their own.
const OURS: [&str; 14] = [
    "alpaca",
    "api_server",
    "audit",
    "config",
    "coordination",
    "intake",
    "market_data",
    "outbound",
    "reconciliation",
    "secrets",
    "store",
    "symbol_analysis",
    "telemetry",
    "workers",
];

/// The rows of tables under a heading: field, type, and the other cells.
fn rows(heading: &str) -> BTreeMap<String, (String, String)> {
    let page = std::fs::read_to_string(workspace_root().join("docs/logs.md")).unwrap();
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let cells = rows.map(|(field, rest)| {
        let (kind, rest) = rest.split_once(" | ").unwrap();
        (field.to_owned(), (kind.to_owned(), rest.to_owned()))
    });
    cells.collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) => "structure",
    }
}

/// Checks each field of a line, and returns their names.
fn check<'l>(line: &'l Value, documented: &BTreeMap<String, (String, String)>) -> BTreeSet<&'l str> {
    let fields = line.as_object().unwrap();
    for (field, value) in fields {
        let (kinds, _) = documented.get(field).unwrap_or_else(|| panic!("{field} of {line}"));
        assert!(kinds.split(" or ").any(|kind| kind == type_of(value)), "{field} is no {kinds}: {line}");
    }
    fields.keys().map(String::as_str).collect()
}

/// Requests and deliveries of every kind: with and without a key, in vain, refused, applied.
fn make_traffic(server: &Server, providers: &Providers) {
    let key = [("x-api-key", ADMIN_KEY), ("user-agent", "traffic/1")];
    for path in
        ["/api/analyze/AAPL", "/api/symbols", "/nowhere", "/health", "/metrics", "/api/ledger/entries"]
    {
        let _with_key = server.get(path, &key);
        let _without = server.get(path, &[]);
    }
    let deposit = providers
        .alpaca("nta", AlpacaAccount::named("logged").entry(now(), "one", "CSD", "1.00", "executed"));
    let mut forged = deposit.clone();
    forged.body.push(b' ');
    for (request, status) in [(&deposit, 200), (&deposit, 200), (&forged, 401)] {
        assert_eq!(server.deliver(request).status, status);
    }
    assert_eq!(server.deliver(&providers.circle(circle_test(now()))).status, 200);
    server.signal("HUP");
    server.wait_until("secrets are reloaded", |server| server.log().contains("after SIGHUP"));
}

#[test]
fn every_field_of_every_line_is_in_the_page_with_its_type() {
    let providers = Providers::new();
    let mut server = providers.options().set("RUST_LOG", "debug").start();
    make_traffic(&server, &providers);
    drop(server.stop_and_read_log());
    let (of_access, of_events) = (rows("Access line"), rows("Events"));
    let (mut seen, mut events) = (BTreeSet::new(), 0);
    let lines = server.events();
    for line in &lines {
        let target = line["target"].as_str().unwrap();
        if target == "access" {
            seen.extend(check(line, &of_access));
        } else if OURS.contains(&target.split("::").next().unwrap()) {
            events += 1;
            check(line, &of_events);
        }
    }
    assert!(events > 20, "{events} events");
    let expected = of_access.iter().filter(|(_, (_, rest))| !rest.starts_with(WHEN_TRACING));
    let expected: BTreeSet<&str> = expected.map(|(field, _)| field.as_str()).collect();
    assert!(seen.is_superset(&expected), "not seen: {:?}", &expected - &seen);
    let levels: BTreeSet<&str> = lines.iter().filter_map(|line| line["level"].as_str()).collect();
    assert!(levels.is_superset(&BTreeSet::from(["DEBUG", "INFO", "WARN"])), "{levels:?}");
}

#[test]
#[should_panic(expected = "surprise of")]
fn an_unknown_field_is_seen() {
    check(&serde_json::json!({ "target": "access", "surprise": 1 }), &rows("Access line"));
}
