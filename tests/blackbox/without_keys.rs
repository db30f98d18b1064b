//! What is served without an API key: direct requests of this machine, and the metrics on a listener of their own.

use tests::ServerOptions;

const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
const GUARDED: [&str; 4] = ["/api/symbols", "/api/ledger/entries", "/metrics", "/metrics/json"];

#[test]
fn a_proxy_on_this_machine_and_a_web_page_read_nothing_from_a_server_without_keys() {
    let server = ServerOptions::new()
        .set("ALLOWED_HOSTS", "investiq.example")
        .set("RATE_LIMIT_PER_MINUTE", "100000")
        .start();
    for path in GUARDED {
        assert_eq!(server.get(path, &[]).status, 200, "{path}");
        assert_eq!(server.get(path, &[("host", "investiq.example:8443")]).status, 200, "{path}");
        for header in [
            ("host", "attacker.example"),
            ("host", "192.168.1.5:3000"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-port", "443"),
            ("x-real-ip", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 proxy"),
            ("cf-connecting-ip", "127.0.0.1"),
        ] {
            let response = server.get(path, &[header]);
            assert_eq!(response.status, 403, "{path} {header:?}");
            assert_eq!(response.json()["code"], "forbidden");
            assert!(
                response.json()["detail"].as_str().unwrap().contains("set API_KEYS"),
                "{}",
                response.body
            );
        }
    }
    assert_eq!(server.get("/health", &[("host", "attacker.example")]).status, 200, "it is public");
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let keyed = || ServerOptions::new().set("API_KEYS", format!("{KEY}:admin")).set("METRICS_ACCESS", "key");
    let server = keyed().set("METRICS_BIND_ADDRESS", "127.0.0.1:0").start();
    let status = |path: &str, headers: &[(&str, &str)]| server.get_metrics(path, headers).status;
    for path in ["/metrics", "/metrics/json"] {
        assert_eq!(server.get(path, &[]).status, 401, "{path}");
        assert_eq!(status(path, &[]), 200, "{path}");
        for foreign in [("host", "attacker.example"), ("x-forwarded-for", "192.0.2.1")] {
            assert_eq!(status(path, &[foreign]), 401, "{path} {foreign:?}");
        }
    }
    assert_eq!(status("/livez", &[]), 200);
    for path in ["/", "/api/symbols", "/api/admin/webhooks", "/docs"] {
        assert_eq!(status(path, &[("x-api-key", KEY)]), 404, "{path}");
    }

    let taken = server.metrics_address().to_string();
    let (exit, log) = keyed().set("METRICS_BIND_ADDRESS", taken.as_str()).start_failure();
    assert!(!exit.success() && log.contains(&format!("METRICS_BIND_ADDRESS {taken}")), "{log}");
}

#[test]
fn outside_development_metrics_need_a_key_or_a_listener() {
    for access in ["loopback", "open"] {
        let (exit, log) = ServerOptions::new()
            .set("INVESTIQ_PROFILE", "production")
            .set("API_KEYS", format!("{KEY}:admin"))
            .set("METRICS_ACCESS", access)
            .start_failure();
        assert!(!exit.success() && log.contains("set METRICS_BIND_ADDRESS"), "{access}: {log}");
    }
}
