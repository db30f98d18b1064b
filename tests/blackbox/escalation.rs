//! Attempts to escalate from viewer to administrator, forged parameters, and concurrent operator requests.

use reqwest::Method;
use tests::events::AlpacaAccount;
use tests::providers::{ADMIN_KEY, Providers, VIEWER_KEY, now};
use tests::{Response, Server};

const ADMIN: [(&str, &str); 1] = [("x-api-key", ADMIN_KEY)];
const VIEWER: [(&str, &str); 1] = [("x-api-key", VIEWER_KEY)];

/// Requests for administrators only, with valid bodies.
const ADMIN_REQUESTS: [(Method, &str, &str); 17] = [
    (Method::GET, "/api/admin/webhooks", ""),
    (Method::GET, "/api/admin/webhooks/1?body=true", ""),
    (Method::POST, "/api/admin/webhooks/replay", r#"{"all":true}"#),
    (Method::POST, "/api/admin/webhooks/test-signature", r#"{"endpoint":"bridge"}"#),
    (Method::GET, "/api/admin/dead-letter", ""),
    (Method::POST, "/api/admin/dead-letter/requeue", r#"{"all":true}"#),
    (Method::POST, "/api/admin/retention/run", "{}"),
    (Method::GET, "/api/admin/audit/verify", ""),
    (Method::GET, "/api/ledger/journals", ""),
    (Method::GET, "/api/ledger/journals/1", ""),
    (Method::POST, "/api/ledger/journals", "{}"),
    (Method::POST, "/api/ledger/journals/1/approve", ""),
    (Method::POST, "/api/ledger/journals/1/reject", r#"{"reason":"x"}"#),
    (Method::POST, "/api/ledger/journals/1/reverse", r#"{"reason":"x"}"#),
    (Method::GET, "/api/admin/reviews", ""),
    (Method::GET, "/api/admin/reviews/1", ""),
    (Method::POST, "/api/admin/reviews/1/resolve", r#"{"reason":"x"}"#),
];

/// Headers that some proxies and frameworks take for a higher role, another method or another path.
const TRICKS: [(&str, &str); 5] = [
    ("x-role", "admin"),
    ("x-http-method-override", "GET"),
    ("x-original-url", "/api/symbols"),
    ("x-forwarded-for", "127.0.0.1"),
    ("cookie", "role=admin"),
];

const DEPOSITS: usize = 20;

fn send(server: &Server, method: &Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let json = ("content-type", "application/json");
    let headers: Vec<_> = headers.iter().copied().chain([json]).collect();
    server.send(method.clone(), path, &headers, (!body.is_empty()).then_some(body))
}

fn deliver_deposits(providers: &Providers, server: &Server) {
    for number in 0..DEPOSITS {
        let name = format!("deposit {number}");
        let body = AlpacaAccount::named("twice").entry(now(), &name, "CSD", "1.00", "executed");
        assert_eq!(server.deliver(&providers.alpaca("nta", body)).status, 200);
    }
    server.wait_until("everything is applied", |server| {
        server.metric("webhook_jobs_total{outcome=\"processed\",provider=\"alpaca\"}")
            == Some(DEPOSITS as f64)
    });
}

#[test]
fn no_header_and_no_method_makes_a_viewer_an_administrator() {
    let (providers, base) = (Providers::new(), VIEWER[0]);
    let server = providers.options().start();
    for (method, path, body) in &ADMIN_REQUESTS {
        for trick in TRICKS {
            let response = send(&server, method, path, &[base, trick], body);
            assert_eq!(response.status, 403, "{method} {path} with {trick:?}: {response:?}");
        }
        assert_eq!(send(&server, method, path, &[], body).status, 401, "{method} {path}");
        let claimed = format!("{VIEWER_KEY}:admin");
        let response = send(&server, method, path, &[("x-api-key", &claimed)], body);
        assert!([401, 429].contains(&response.status), "{method} {path}: {response:?}");
        for other in [Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(send(&server, &other, path, &VIEWER, "").status, 405, "{other} {path}");
        }
    }
    assert_eq!(send(&server, &Method::HEAD, "/api/admin/webhooks", &VIEWER, "").status, 403);
    for path in
        ["//api/admin/webhooks", "/api/admin/webhooks/", "/API/admin/webhooks", "/api/./admin/webhooks"]
    {
        assert!(send(&server, &Method::GET, path, &VIEWER, "").status >= 400, "{path}");
    }
    assert_eq!(server.admin_json("/api/admin/audit/verify")["is_intact"], true);
}

#[test]
fn forged_cursors_limits_and_names_get_a_problem() {
    let providers = Providers::new();
    let server = providers.options().start();
    let long = "a".repeat(6000);
    let cursors = ["0", "-1", "%2B5", "5.0", "1e3", "9223372036854775808", "1%3BDROP%20TABLE", "%00", ""];
    for (path, parameter) in [
        ("/api/ledger/entries", "after"),
        ("/api/admin/webhooks", "before"),
        ("/api/admin/dead-letter", "before"),
    ] {
        let get = |query: String| server.get(&format!("{path}?{query}"), &ADMIN);
        for cursor in cursors {
            let response = get(format!("{parameter}={cursor}"));
            assert_eq!(
                (response.status, &response.problem()["parameter"]),
                (422, &parameter.into()),
                "{cursor:?}"
            );
        }
        for limit in ["0", "501", "-1", "%2B1", "4294967297", "99999999999999999999", "all"] {
            let response = get(format!("limit={limit}"));
            assert_eq!(
                (response.status, &response.problem()["parameter"]),
                (422, &"limit".into()),
                "{limit}"
            );
        }
        assert_eq!(get(format!("{parameter}=1&{parameter}=2")).status, 422);
        let last = get(format!("{parameter}=999999999999999999&limit=500"));
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
        // A path with forbidden characters is rejected before its parameter is parsed.
        assert!([400, 422].contains(&one.status) && one.problem()["code"].is_string(), "{account}: {one:?}");
        let listed = server.get(&format!("/api/ledger/entries?account={account}"), &VIEWER);
        assert_eq!(listed.status, 422, "{account}: {listed:?}");
    }
    let not_utf8 = server.get("/api/portfolio/alpaca:%FF", &VIEWER);
    assert_eq!((not_utf8.status, &not_utf8.problem()["status"]), (400, &400.into()), "{not_utf8:?}");
    let unknown = server.get("/api/portfolio/alpaca:-._a", &VIEWER);
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[test]
fn concurrent_operator_requests_take_effect_once() {
    let providers = Providers::new();
    let server = providers.options().start();
    deliver_deposits(&providers, &server);
    let holder = AlpacaAccount::named("twice").holder();
    let portfolio = || server.admin_json(&format!("/api/portfolio/{holder}"));
    let before = portfolio();
    for (path, body) in [
        ("/api/admin/webhooks/replay", r#"{"filter":{"provider":"alpaca"}}"#),
        ("/api/admin/dead-letter/requeue", r#"{"all":true}"#),
        ("/api/admin/retention/run", "{}"),
    ] {
        std::thread::scope(|scope| {
            let post = || send(&server, &Method::POST, path, &ADMIN, body).status;
            let requests: Vec<_> = (0..8).map(|_| scope.spawn(post)).collect();
            for request in requests {
                assert_eq!(request.join().unwrap(), 200, "{path}");
            }
        });
    }
    server.wait_until("the backlog is empty", |server| server.metric("webhook_backlog") == Some(0.0));
    assert_eq!(portfolio(), before);
    server.wait_until("the business metrics are computed", |server| {
        server.metric("business_computed_at_seconds").is_some()
    });
    assert_eq!(server.metric("ledger_imbalance_minor"), Some(0.0));
    assert_eq!(server.metric("webhook_dead_letters"), Some(0.0));
    assert_eq!(server.admin_json("/api/admin/audit/verify")["is_intact"], true);
    let mixed = r#"{"filter":{"provider":"alpaca"},"after":"3","dry_run":true}"#;
    let response = send(&server, &Method::POST, "/api/admin/webhooks/replay", &ADMIN, mixed);
    assert_eq!((response.status, &response.problem()["parameter"]), (422, &"after".into()), "{response:?}");
}
