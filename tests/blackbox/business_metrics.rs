//! Metrics of deliveries by provider, of the vendor and of caches; and which check `/readyz` names in an outage.

use std::time::Duration;

use tests::events::{AlpacaAccount, circle_test};
use tests::polygon::{Behaviour, FakePolygon, Route};
use tests::providers::{Providers, now};
use tests::{Postgres, Server, ServerOptions};

const VENDOR_KEY: &str = "vendor-metrics-Qx7mKp2vWn9tLz4rBc8yHs3dJf";
/// Size of `/metrics` before the first request.
const IDLE_BYTES_MAX: usize = 64 * 1024;
/// During an outage, so that a worker could become unhealthy.
const OUTAGE_CHECKS: u32 = 30;
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// The series of a family with these labels, in alphabetical order.
fn series(server: &Server, family: &str, labels: &str) -> f64 {
    server
        .metric(&format!("{family}{{{labels}}}"))
        .unwrap_or_else(|| panic!("{family}{{{labels}}} is missing"))
}

#[test]
fn each_step_of_a_delivery_is_counted_by_provider() {
    let providers = Providers::new();
    let server = providers.options().start();
    let deposit = providers
        .alpaca("nta", AlpacaAccount::named("counted").entry(now(), "one", "CSD", "1.00", "executed"));
    let mut forged = deposit.clone();
    forged.body.push(b' ');
    for (request, status) in [(&deposit, 200), (&deposit, 200), (&forged, 401)] {
        assert_eq!(server.deliver(request).status, status);
    }
    assert_eq!(server.deliver(&providers.circle(circle_test(now()))).status, 200);
    server.wait_until("it is applied", |server| {
        series(server, "webhook_jobs_total", "outcome=\"processed\",provider=\"alpaca\"") == 1.0
    });
    for (outcome, of_alpaca) in
        [("received", 3.0), ("verified", 2.0), ("stored", 1.0), ("duplicate", 1.0), ("unavailable", 0.0)]
    {
        for (provider, number) in [("alpaca", of_alpaca), ("bridge", 0.0)] {
            let labels = format!("outcome=\"{outcome}\",provider=\"{provider}\"");
            assert_eq!(series(&server, "webhook_deliveries_total", &labels), number, "{labels}");
        }
    }
    for (reason, provider, number) in
        [("signature", "alpaca", 1.0), ("signature", "bridge", 0.0), ("stale", "circle", 0.0)]
    {
        let labels = format!("provider=\"{provider}\",reason=\"{reason}\"");
        assert_eq!(series(&server, "webhook_rejected_total", &labels), number, "{labels}");
    }
    assert_eq!(series(&server, "webhook_jobs_total", "outcome=\"dead\",provider=\"bridge\""), 0.0);
    for provider in domain::Provider::ALL {
        let labels = format!("provider=\"{provider}\"");
        for family in ["webhook_backlog", "webhook_oldest_pending_seconds", "webhook_dead_letters"] {
            server.wait_until(family, |server| series(server, family, &labels) == 0.0);
        }
        let lags = series(&server, "webhook_processing_lag_seconds_count", &labels);
        let was_used = [domain::Provider::Alpaca, domain::Provider::Circle].contains(&provider);
        assert_eq!(lags > 0.0, was_used, "{provider}: {lags}");
    }
}

#[test]
fn vendor_calls_the_circuit_breaker_and_caches_have_metrics() {
    let vendor = FakePolygon::start();
    vendor.accept_keys(&[VENDOR_KEY]);
    let server = ServerOptions::new()
        .set("POLYGON_API_KEY", VENDOR_KEY)
        .set("POLYGON_BASE_URL", vendor.base_url())
        .start();
    let calls = |outcome: &str| {
        series(&server, "vendor_calls_total", &format!("outcome=\"{outcome}\",vendor=\"polygon\""))
    };
    let lookups = |cache: &str, outcome: &str| {
        series(&server, "cache_lookups_total", &format!("cache=\"{cache}\",outcome=\"{outcome}\""))
    };
    let of_vendor = |family: &str| series(&server, family, "vendor=\"polygon\"");
    let idle = server.get("/metrics", &[]).body.len();
    assert!(idle < IDLE_BYTES_MAX, "{idle} bytes");
    for _ in 0..2 {
        assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    }
    // Bars of the symbol and of the market, details, filings and news; the health check may add one.
    assert!((5.0..=6.0).contains(&calls("ok")), "{}", calls("ok"));
    assert_eq!((calls("failed"), calls("bad_data"), of_vendor("vendor_retries_total")), (0.0, 0.0, 0.0));
    assert!(lookups("market_data", "miss") >= 2.0 && lookups("market_data", "hit") >= 2.0);
    assert_eq!((lookups("responses", "miss"), lookups("responses", "hit")), (1.0, 1.0));
    assert_eq!(series(&server, "cache_entries", "cache=\"responses\""), 1.0);
    assert_eq!(series(&server, "cache_entries", "cache=\"market_data\""), 2.0);
    server.wait_until("the vendor was checked", |server| {
        server.metric("dependency_up{check=\"polygon\"}") == Some(1.0)
    });

    vendor.next(Route::Bars, [Behaviour::Status(500)]);
    assert_eq!(server.get("/api/analyze/MSFT", &[]).status, 200);
    assert_eq!((calls("failed"), of_vendor("vendor_retries_total")), (1.0, 1.0));
    assert_eq!(of_vendor("vendor_circuit_open"), 0.0);
    vendor.always(Route::Bars, Behaviour::Limited { retry_after_s: Some(600) });
    assert_eq!(server.get("/api/analyze/IBM", &[]).status, 503);
    assert!(calls("limited") >= 1.0 && of_vendor("vendor_circuit_open") == 1.0);
    assert_eq!(server.get("/api/analyze/GOOG", &[]).status, 503);
    assert!(series(&server, "vendor_calls_refused_total", "reason=\"quota\",vendor=\"polygon\"") >= 1.0);
}

#[test]
fn an_outage_of_the_database_fails_no_other_check() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.create_database("outage")).start();
    server.wait_until("it is ready", |server| server.get("/readyz", &[]).status == 200);
    postgres.stop();
    server.wait_until("it is not", |server| server.get("/readyz", &[]).status == 503);
    for _ in 0..OUTAGE_CHECKS {
        let not_ready = server.get("/readyz", &[]);
        assert_eq!((not_ready.status, &not_ready.problem()["check"]), (503, &"database".into()));
        assert_eq!(server.get("/livez", &[]).status, 200);
        let health = server.get("/health", &[]);
        assert_eq!(health.json()["checks"]["workers"]["status"], "ok", "{health:?}");
        std::thread::sleep(CHECK_INTERVAL);
    }
    assert_eq!(server.metric("dependency_up{check=\"database\"}"), Some(0.0));
    postgres.start_again();
    server.wait_until("it is ready again", |server| server.get("/readyz", &[]).status == 200);
    for worker in ["events/1", "events/2", "business", "prices", "retention", "database", "leader/ledger"] {
        let heartbeat_at =
            series(&server, "worker_heartbeat_timestamp_seconds", &format!("worker=\"{worker}\""));
        assert!(heartbeat_at > 0.0, "{worker}");
    }
}
