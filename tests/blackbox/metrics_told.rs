//! What `/metrics` tells of deliveries by source, of the vendor and of what is kept; and whom `/readyz` blames.

use std::time::Duration;

use tests::events::{AlpacaAccount, circle_test};
use tests::polygon::{Behaviour, FakePolygon, Route};
use tests::providers::{Providers, now};
use tests::{Postgres, Server, ServerOptions};

const VENDOR_KEY: &str = "vendor-metrics-Qx7mKp2vWn9tLz4rBc8yHs3dJf";
/// Longest text of a server that was asked nothing yet, in bytes.
const QUIET_BYTES_MAX: usize = 64 * 1024;
/// How long it is watched whether a worker is blamed for an outage.
const OUTAGE_LOOKS: u32 = 30;
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// The series of a family with these labels, in the order of their names.
fn told(server: &Server, family: &str, labels: &str) -> f64 {
    server
        .metric(&format!("{family}{{{labels}}}"))
        .unwrap_or_else(|| panic!("{family}{{{labels}}} is not told"))
}

#[test]
fn each_step_of_a_delivery_is_told_by_source() {
    let providers = Providers::new();
    let server = providers.options().start();
    let deposit =
        providers.alpaca("nta", AlpacaAccount::named("told").entry(now(), "one", "CSD", "1.00", "executed"));
    let mut forged = deposit.clone();
    forged.body.push(b' ');
    for (request, status) in [(&deposit, 200), (&deposit, 200), (&forged, 401)] {
        assert_eq!(server.deliver(request).status, status);
    }
    assert_eq!(server.deliver(&providers.circle(circle_test(now()))).status, 200);
    server.until("it is applied", |server| {
        told(server, "webhook_events_total", "outcome=\"processed\",source=\"alpaca\"") == 1.0
    });
    for (outcome, of_alpaca) in
        [("received", 3.0), ("verified", 2.0), ("stored", 1.0), ("duplicate", 1.0), ("unavailable", 0.0)]
    {
        for (source, number) in [("alpaca", of_alpaca), ("bridge", 0.0)] {
            let labels = format!("outcome=\"{outcome}\",source=\"{source}\"");
            assert_eq!(told(&server, "webhook_deliveries_total", &labels), number, "{labels}");
        }
    }
    for (reason, source, number) in
        [("signature", "alpaca", 1.0), ("signature", "bridge", 0.0), ("stale", "circle", 0.0)]
    {
        let labels = format!("reason=\"{reason}\",source=\"{source}\"");
        assert_eq!(told(&server, "webhook_rejected_total", &labels), number, "{labels}");
    }
    assert_eq!(told(&server, "webhook_events_total", "outcome=\"dead\",source=\"bridge\""), 0.0);
    for source in ["alpaca", "bridge", "circle"] {
        let labels = format!("source=\"{source}\"");
        for family in ["webhook_backlog", "webhook_oldest_pending_seconds", "webhook_dead_letters"] {
            server.until(family, |server| told(server, family, &labels) == 0.0);
        }
        let lags = told(&server, "webhook_processing_lag_seconds_count", &labels);
        assert_eq!(lags > 0.0, source != "bridge", "{source}: {lags}");
    }
}

#[test]
fn the_vendor_its_circuit_and_the_caches_are_told() {
    let vendor = FakePolygon::start();
    vendor.accept_keys(&[VENDOR_KEY]);
    let server = ServerOptions::new()
        .set("POLYGON_API_KEY", VENDOR_KEY)
        .set("POLYGON_BASE_URL", vendor.base_url())
        .start();
    let calls = |outcome: &str| {
        told(&server, "vendor_calls_total", &format!("outcome=\"{outcome}\",vendor=\"polygon\""))
    };
    let lookups = |cache: &str, outcome: &str| {
        told(&server, "cache_lookups_total", &format!("cache=\"{cache}\",outcome=\"{outcome}\""))
    };
    let of_vendor = |family: &str| told(&server, family, "vendor=\"polygon\"");
    let quiet = server.get("/metrics", &[]).body.len();
    assert!(quiet < QUIET_BYTES_MAX, "{quiet} bytes");
    for _ in 0..2 {
        assert_eq!(server.get("/api/analyze/AAPL", &[]).status, 200);
    }
    // Bars of the symbol and of the market, details, filings and news; the check of the source may add one.
    assert!((5.0..=6.0).contains(&calls("ok")), "{}", calls("ok"));
    assert_eq!((calls("failed"), calls("bad_data"), of_vendor("vendor_retries_total")), (0.0, 0.0, 0.0));
    assert!(lookups("market_data", "miss") >= 2.0 && lookups("market_data", "hit") >= 2.0);
    assert_eq!((lookups("answers", "miss"), lookups("answers", "hit")), (1.0, 1.0));
    assert_eq!(told(&server, "cache_entries", "cache=\"answers\""), 1.0);
    assert_eq!(told(&server, "cache_entries", "cache=\"market_data\""), 2.0);
    server.until("the vendor was checked", |server| {
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
    assert!(told(&server, "vendor_calls_refused_total", "reason=\"quota\",vendor=\"polygon\"") >= 1.0);
}

#[test]
fn an_outage_of_the_database_is_blamed_on_nobody_else() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.database("blamed")).start();
    server.until("it is ready", |server| server.get("/readyz", &[]).status == 200);
    postgres.stop();
    server.until("it is not", |server| server.get("/readyz", &[]).status == 503);
    for _ in 0..OUTAGE_LOOKS {
        let refused = server.get("/readyz", &[]);
        assert_eq!((refused.status, &refused.problem()["check"]), (503, &"database".into()));
        assert_eq!(server.get("/livez", &[]).status, 200);
        let health = server.get("/health", &[]);
        assert_eq!(health.json()["checks"]["workers"]["status"], "ok", "{health:?}");
        std::thread::sleep(LOOK_PAUSE);
    }
    assert_eq!(server.metric("dependency_up{check=\"database\"}"), Some(0.0));
    postgres.start_again();
    server.until("it is ready again", |server| server.get("/readyz", &[]).status == 200);
    for worker in ["events/1", "events/2", "business", "marks", "retention", "database", "office/books"] {
        let beat_at = told(&server, "worker_heartbeat_timestamp_seconds", &format!("worker=\"{worker}\""));
        assert!(beat_at > 0.0, "{worker}");
    }
}
