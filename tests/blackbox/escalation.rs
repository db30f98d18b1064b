//! A viewer who wants to be more, and an operator who asks twice: nothing opens, nothing breaks, nothing happens twice.

use reqwest::Method;
use tests::events::AlpacaAccount;
use tests::providers::{ADMIN_KEY, Providers, VIEWER_KEY, now};
use tests::{Answer, Server};

const ADMIN: [(&str, &str); 1] = [("x-api-key", ADMIN_KEY)];
const VIEWER: [(&str, &str); 1] = [("x-api-key", VIEWER_KEY)];

/// What only an administrator may do, with a body that would be taken.
const OPERATORS_WORK: [(Method, &str, &str); 8] = [
    (Method::GET, "/api/admin/webhooks", ""),
    (Method::GET, "/api/admin/webhooks/1?body=true", ""),
    (Method::POST, "/api/admin/webhooks/replay", r#"{"all":true}"#),
    (Method::POST, "/api/admin/webhooks/test-signature", r#"{"door":"bridge"}"#),
    (Method::GET, "/api/admin/dead-letter", ""),
    (Method::POST, "/api/admin/dead-letter/requeue", r#"{"all":true}"#),
    (Method::POST, "/api/admin/retention/run", "{}"),
    (Method::GET, "/api/admin/audit/verify", ""),
];

/// What proxies and frameworks elsewhere take for a higher role, another method or another path.
const TRICKS: [(&str, &str); 5] = [
    ("x-role", "admin"),
    ("x-http-method-override", "GET"),
    ("x-original-url", "/api/symbols"),
    ("x-forwarded-for", "127.0.0.1"),
    ("cookie", "role=admin"),
];

/// Deliveries that are replayed.
const DEPOSITS: usize = 20;

fn asked(server: &Server, method: &Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let json = ("content-type", "application/json");
    let headers: Vec<_> = headers.iter().copied().chain([json]).collect();
    server.send(method.clone(), path, &headers, (!body.is_empty()).then_some(body))
}

fn deposited(providers: &Providers, server: &Server) {
    for number in 0..DEPOSITS {
        let name = format!("deposit {number}");
        let body = AlpacaAccount::named("twice").entry(now(), &name, "CSD", "1.00", "executed");
        assert_eq!(server.deliver(&providers.alpaca("nta", body)).status, 200);
    }
    server.until("everything is applied", |server| {
        server.metric("webhook_events_total{outcome=\"processed\",source=\"alpaca\"}")
            == Some(DEPOSITS as f64)
    });
}

#[test]
fn no_header_and_no_method_makes_an_operator_of_a_viewer() {
    let (providers, base) = (Providers::new(), VIEWER[0]);
    let server = providers.options().start();
    for (method, path, body) in &OPERATORS_WORK {
        for trick in TRICKS {
            let answer = asked(&server, method, path, &[base, trick], body);
            assert_eq!(answer.status, 403, "{method} {path} with {trick:?}: {answer:?}");
        }
        assert_eq!(asked(&server, method, path, &[], body).status, 401, "{method} {path}");
        let claimed = format!("{VIEWER_KEY}:admin");
        let answer = asked(&server, method, path, &[("x-api-key", &claimed)], body);
        assert!([401, 429].contains(&answer.status), "{method} {path}: {answer:?}");
        for other in [Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(asked(&server, &other, path, &VIEWER, "").status, 405, "{other} {path}");
        }
    }
    assert_eq!(asked(&server, &Method::HEAD, "/api/admin/webhooks", &VIEWER, "").status, 403);
    for path in
        ["//api/admin/webhooks", "/api/admin/webhooks/", "/API/admin/webhooks", "/api/./admin/webhooks"]
    {
        assert!(asked(&server, &Method::GET, path, &VIEWER, "").status >= 400, "{path}");
    }
    let recorded = server.read("/api/admin/audit/verify");
    assert_eq!(recorded["is_whole"], true);
}

#[test]
fn forged_cursors_sizes_and_names_are_refused_in_words() {
    let providers = Providers::new();
    let server = providers.options().start();
    let long = "a".repeat(6000);
    let cursors = ["0", "-1", "%2B5", "5.0", "1e3", "9223372036854775808", "1%3BDROP%20TABLE", "%00", ""];
    for (path, parameter) in [
        ("/api/ledger/entries", "after"),
        ("/api/admin/webhooks", "before"),
        ("/api/admin/dead-letter", "before"),
    ] {
        let ask = |query: String| server.get(&format!("{path}?{query}"), &ADMIN);
        for cursor in cursors {
            let answer = ask(format!("{parameter}={cursor}"));
            assert_eq!(
                (answer.status, &answer.problem()["parameter"]),
                (422, &parameter.into()),
                "{cursor:?}"
            );
        }
        for limit in ["0", "501", "-1", "%2B1", "4294967297", "99999999999999999999", "all"] {
            let answer = ask(format!("limit={limit}"));
            assert_eq!((answer.status, &answer.problem()["parameter"]), (422, &"limit".into()), "{limit}");
        }
        assert_eq!(ask(format!("{parameter}=1&{parameter}=2")).status, 422);
        let last = ask(format!("{parameter}=9223372036854775807&limit=500"));
        assert_eq!(last.status, 200, "{last:?}");
    }
    for account in [
        "alpaca:",
        "alpaca:%00",
        "alpaca:..%2F..",
        "alpaca:a%0D%0ASet-Cookie:x",
        "alpaca:%F0%9F%92%B0",
        "ALPACA:a1",
        "%27%20OR%201=1--",
        "alpaca:a1%20",
        &long,
    ] {
        let one = server.get(&format!("/api/portfolio/{account}"), &VIEWER);
        // What no path may hold is refused before anyone looks what it names.
        assert!([400, 422].contains(&one.status) && one.problem()["code"].is_string(), "{account}: {one:?}");
        let listed = server.get(&format!("/api/ledger/entries?account={account}"), &VIEWER);
        assert_eq!(listed.status, 422, "{account}: {listed:?}");
    }
    let unread = server.get("/api/portfolio/alpaca:%FF", &VIEWER);
    assert_eq!((unread.status, &unread.problem()["status"]), (400, &400.into()), "{unread:?}");
    let unknown = server.get("/api/portfolio/alpaca:-._a", &VIEWER);
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[test]
fn what_an_operator_asks_for_twice_at_once_has_its_effect_once() {
    let providers = Providers::new();
    let server = providers.options().start();
    deposited(&providers, &server);
    let holder = AlpacaAccount::named("twice").holder();
    let portfolio = || server.read(&format!("/api/portfolio/{holder}"));
    let before = portfolio();
    for (path, body) in [
        ("/api/admin/webhooks/replay", r#"{"filter":{"source":"alpaca"}}"#),
        ("/api/admin/dead-letter/requeue", r#"{"all":true}"#),
        ("/api/admin/retention/run", "{}"),
    ] {
        std::thread::scope(|scope| {
            let ask = || asked(&server, &Method::POST, path, &ADMIN, body).status;
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            for answered in asking {
                assert_eq!(answered.join().unwrap(), 200, "{path}");
            }
        });
    }
    server.until("nothing waits", |server| server.metric("webhook_backlog") == Some(0.0));
    assert_eq!(portfolio(), before);
    server.until("the books are summed", |server| server.metric("business_computed_at_seconds").is_some());
    assert_eq!(server.metric("ledger_imbalance_minor"), Some(0.0));
    assert_eq!(server.metric("webhook_dead_letters"), Some(0.0));
    assert_eq!(server.read("/api/admin/audit/verify")["is_whole"], true);
    let mixed = r#"{"filter":{"source":"alpaca"},"after":"3","dry_run":true}"#;
    let answer = asked(&server, &Method::POST, "/api/admin/webhooks/replay", &ADMIN, mixed);
    assert_eq!((answer.status, &answer.problem()["parameter"]), (422, &"after".into()), "{answer:?}");
}
