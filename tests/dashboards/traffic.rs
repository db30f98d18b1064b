//! Traffic with at least one of each event that a dashboard shows: served, refused, limited and banned requests; good, bad and
//! repeated deliveries; a dead letter; faults of the vendor; events of the broker's streams; a rotation of a secret.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use tests::Server;
use tests::alpaca::{FakeAlpaca, Feed};
use tests::events::{AlpacaAccount, Trade, bridge, circle_test, uuid};
use tests::polygon::{Behaviour, Route};
use tests::providers::{ADMIN_KEY, ALPACA_SECRET, Providers, SignedRequest, VIEWER_KEY, now};

use crate::stack::{NEW_ALPACA_SECRET, Stack};

/// Clients behind the proxy.
const BROWSER: &str = "203.0.113.20";
const FLOODER: &str = "203.0.113.21";
const SCANNER: &str = "203.0.113.22";
const GUESSER: &str = "203.0.113.23";
/// Above the burst of the rate limit.
const FLOOD: usize = 200;
const PERIOD: Duration = Duration::from_secs(1);

/// Sends a round each second, and in some rounds something special.
pub(crate) fn send(stack: &Stack, duration: Duration) {
    let (started, rounds) = (Instant::now(), duration.as_secs());
    let mut secret = ALPACA_SECRET;
    for round in 0..rounds {
        requests(&stack.server, round);
        deliveries(&stack.server, &stack.providers, round, secret);
        stream_events(&stack.broker, round);
        match round {
            3 => refused(&stack.server),
            6 => flood(&stack.server),
            9 => scan(&stack.server),
            12 => vendor_faults(stack),
            16 => dead_letter(stack),
            20 => {
                stack.rotate();
                secret = NEW_ALPACA_SECRET;
            }
            // The previous version is in use for a while.
            25 => secret = ALPACA_SECRET,
            35 => secret = NEW_ALPACA_SECRET,
            45 => stack.deny_secret(),
            _ => {}
        }
        std::thread::sleep((PERIOD * (u32::try_from(round).unwrap() + 1)).saturating_sub(started.elapsed()));
    }
}

/// What ordinary clients do.
fn requests(server: &Server, round: u64) {
    let symbol = ["AAPL", "MSFT", "IBM", "GOOG", "FB"][usize::try_from(round % 5).unwrap()];
    let account = AlpacaAccount::named("dashboards").holder();
    for path in [
        "/api/symbols".to_owned(),
        format!("/api/analyze/{symbol}"),
        format!("/api/bars/{symbol}?days={}", 5 + round % 3),
        format!("/api/indicators/{symbol}?names=sma:5"),
        format!("/api/portfolio/{account}"),
        "/api/ledger/balances".to_owned(),
        "/api/admin/keys".to_owned(),
        format!("/api/symbols/{symbol}"),
    ] {
        let key = if path.starts_with("/api/admin") { ADMIN_KEY } else { VIEWER_KEY };
        drop(server.get(&path, &[("x-api-key", key), ("x-forwarded-for", BROWSER)]));
    }
    for path in ["/health", "/readyz", "/docs/problems", "/favicon.ico"] {
        drop(server.get(path, &[("x-forwarded-for", BROWSER)]));
    }
}

/// One good delivery of each provider, one that is repeated, and one that is forged.
fn deliveries(server: &Server, providers: &Providers, round: u64, secret: &str) {
    let account = AlpacaAccount::named("dashboards");
    let body = account.entry(now(), &format!("deposit {round}"), "CSD", "10.00", "executed");
    let signature = providers.signer.alpaca(secret, now().as_second(), body.as_bytes());
    let deposit = providers.alpaca("nta", body).with_header("alpaca-signature", signature);
    let forged = deposit.clone().with_body("{}");
    let customer = json!({ "id": uuid("a customer"), "status": "active", "type": "individual" });
    let update = bridge(now(), "customer", "updated.status_transitioned", &uuid("a customer"), &customer);
    let all: [SignedRequest; 5] =
        [deposit.clone(), deposit, forged, providers.bridge(update), providers.circle(circle_test(now()))];
    for delivery in &all {
        drop(server.deliver(delivery));
    }
    if round == 5 {
        let unknown = providers.circle(circle_test(now())).with_header("x-circle-key-id", uuid("no key"));
        drop(server.deliver(&unknown));
    }
    if round.is_multiple_of(10) {
        let entry = account.entry(now(), &format!("by hand {round}"), "SSO", "0.00", "executed");
        drop(server.deliver(&providers.alpaca("nta", entry)));
        for (step, filled) in [("new", None), ("fill", Some(("1", "150.00")))] {
            drop(server.deliver(&providers.alpaca("trade", account.trade(now(), &buy(round, step, filled)))));
        }
    }
}

fn buy<'a>(round: u64, event: &'a str, filled: Option<(&'a str, &'a str)>) -> Trade<'a> {
    let order = if round == 0 { "first" } else { "later" };
    Trade { event, order, side: "buy", symbol: "AAPL", qty: "1", filled, execution: filled, limit: None }
}

/// One event of each stream.
fn stream_events(broker: &FakeAlpaca, round: u64) {
    let (account, at): (_, Timestamp) = (AlpacaAccount::named("streamed"), now());
    let name = format!("event {round}");
    for (feed, json) in [
        (Feed::Trades, account.trade(at, &buy(round, "new", None))),
        (Feed::AccountStatus, account.status(at, "APPROVED", "ACTIVE")),
        (Feed::Journals, account.journal(at, &name, "queued", "executed")),
        (Feed::Funding, account.transfer(at, &name, "", "QUEUED")),
        (Feed::Activities, account.activity(at, &name, "INT", "0.01")),
    ] {
        let event: serde_json::Value = serde_json::from_str(&json).unwrap();
        let id = event["event_ulid"].as_str().or(event["event_id"].as_str()).unwrap();
        broker.publish(feed, id, &json);
    }
}

/// Without a key, with a wrong one, without the role, malformed, and never complete.
fn refused(server: &Server) {
    let from = |key| [("x-forwarded-for", BROWSER), ("x-api-key", key)];
    drop(server.get("/api/symbols", &from("")[..1]));
    drop(server.get("/api/symbols", &from("a-wrong-key")));
    drop(server.get("/api/admin/webhooks", &from(VIEWER_KEY)));
    drop(server.post_json("/api/analyze", &from(VIEWER_KEY), "{"));
    drop(tests::raw::first_head(server.address(), b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"));
    let unfinished = b"POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{";
    let address = server.address();
    std::thread::spawn(move || tests::raw::first_head(address, unfinished));
}

fn flood(server: &Server) {
    let statuses = (0..FLOOD).map(|_| server.get("/docs/problems", &[("x-forwarded-for", FLOODER)]).status);
    assert!(statuses.into_iter().any(|status| status == 429), "a client is limited");
}

fn scan(server: &Server) {
    for number in 0..60 {
        drop(server.get(&format!("/wp-{number}.php"), &[("x-forwarded-for", SCANNER)]));
        let guess = format!("guess-{number}");
        drop(server.get("/api/symbols", &[("x-forwarded-for", GUESSER), ("x-api-key", guess.as_str())]));
    }
    let is_banned =
        |server: &Server| server.get("/docs/problems", &[("x-forwarded-for", SCANNER)]).status == 403;
    server.wait_until("the scanner is banned", is_banned);
}

/// An error that is retried, and a limit that opens the circuit for ten seconds.
fn vendor_faults(stack: &Stack) {
    stack.vendor.know_all();
    stack.vendor.next(Route::Bars, [Behaviour::Status(500)]);
    for (symbol, fault) in
        [("NVDA", None), ("AMD", Some(Behaviour::Limited { retry_after_s: Some(10) })), ("TSLA", None)]
    {
        stack.vendor.next(Route::Bars, fault);
        drop(stack.server.get(&format!("/api/bars/{symbol}"), &[("x-api-key", VIEWER_KEY)]));
    }
}

/// As if an event could not be applied however often it was tried.
fn dead_letter(stack: &Stack) {
    stack.primary.execute(
        "investiq",
        "UPDATE webhook_jobs SET state = 'dead', attempts = 12, last_error = 'no such account' \
         WHERE event_id = (SELECT MAX(event_id) FROM webhook_jobs)",
    );
}
