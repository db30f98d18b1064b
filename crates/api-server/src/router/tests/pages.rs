//! Probes and pages.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn probes_respond_and_readiness_ends_with_shutdown() {
    let parts = parts().await;
    let shutdown = parts.probes.shutdown.clone();
    let router = all(parts);
    for path in ["/livez", "/readyz"] {
        assert_eq!(get(&router, path).await.json()["status"], "ok", "{path}");
    }
    let health = get(&router, "/health").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!(health["status"], "healthy");
    for check in ["polygon", "redis", "alpaca", "ml_service"] {
        assert_eq!(health["checks"][check]["status"], "not_configured", "{check}");
    }
    for check in ["market_data", "database"] {
        assert_eq!(health["checks"][check]["status"], "pending", "{check}");
    }
    assert_eq!(health["checks"]["workers"]["status"], "ok");
    shutdown.cancel();
    assert_eq!(get(&router, "/livez").await.status, 200);
    let refused = get(&router, "/readyz").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, Some("draining")));
}

/// Longest silence of a worker in these tests: long enough for a request in between, even on a busy machine.
const SILENCE_MAX: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_worker_that_hangs_or_ended_makes_the_replica_unready_but_not_dead() {
    let parts = parts().await;
    let registry = parts.probes.health.workers().clone();
    let router = all(parts);
    let gauge = prometheus::IntGauge::new("heartbeat", "of this test").unwrap();
    let config = |silence_max| {
        Some(workers::HeartbeatConfig { silence_max, gauge: gauge.clone(), clock: Clock::System })
    };
    let _other = registry.register("events/1", config(Duration::from_secs(3600)));
    let hanging = registry.register("events/2", config(SILENCE_MAX));
    tokio::time::sleep(SILENCE_MAX + Duration::from_millis(10)).await;
    let refused = get(&router, "/readyz").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, Some("not_ready")));
    let problem = serde_json::to_value(refused.problem.unwrap().document("/readyz", "r")).unwrap();
    assert_eq!((&problem["check"], &problem["worker"]), (&"workers".into(), &"events/2".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("events/2 had no heartbeat for "), "{problem}");
    assert_eq!(get(&router, "/livez").await.status, 200);
    let health = get(&router, "/health").await;
    assert_eq!((health.status.as_u16(), &health.json()["status"]), (200, &"degraded".into()));
    assert_eq!(health.json()["checks"]["workers"]["status"], "down");
    hanging.beat();
    assert_eq!(get(&router, "/readyz").await.status, 200);
    hanging.stop();
    let ended = get(&router, "/readyz").await.problem.unwrap();
    assert_eq!(ended.detail, "the worker events/2 has ended; try another instance");
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_name_every_route_and_problem() {
    let router = all(parts().await);
    for path in ["/docs", "/docs/problems"] {
        let page = get(&router, path).await;
        assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"));
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        let html = String::from_utf8(page.body.clone()).unwrap();
        for banned in ["<script", "style=", "src=", "onclick", "http://"] {
            assert!(!html.contains(banned), "{path} has {banned}");
        }
        assert!(html.contains("href=\"/docs/style.css\""));
    }
    assert!(get(&router, "/docs/style.css").await.header(header::CONTENT_TYPE).starts_with("text/css"));
    let reference = String::from_utf8(get(&router, "/docs").await.body).unwrap();
    assert!(reference.contains("/api/indicators/{symbol}") && reference.contains("id=\"ProblemDocument\""));
    let problems = String::from_utf8(get(&router, "/docs/problems").await.body).unwrap();
    for kind in crate::problem::Kind::ALL {
        assert!(problems.contains(&format!("<h2 id=\"{}\">", kind.code())), "{}", kind.code());
    }
}

#[tokio::test]
async fn both_paths_of_the_openapi_document_return_the_same() {
    let router = all(parts().await);
    let document = get(&router, "/openapi.json").await;
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert_eq!(document.body, get(&router, "/api-docs/openapi.json").await.body);
}

#[tokio::test]
async fn disabled_pages_are_not_found() {
    let router = all(Parts { pages: None, ..parts().await });
    for path in ["/docs", "/openapi.json", "/api-docs/openapi.json"] {
        assert_eq!(get(&router, path).await.status, 404, "{path}");
    }
    for path in ["/docs/problems", "/docs/style.css"] {
        assert_eq!(get(&router, path).await.status, 200, "responses link to {path}");
    }
    let index = get(&router, "/").await.json();
    assert!(index["documentation"].is_null() && index["openapi"].is_null(), "{index}");
}

#[tokio::test]
async fn an_unsupported_method_gets_the_supported_ones() {
    let router = all(parts().await);
    for (path, allowed) in [("/api/analyze", "POST"), ("/api/bars/AAPL", "GET,HEAD"), ("/livez", "GET,HEAD")]
    {
        let response = send(&router, Request::delete(path).body(Body::empty()).unwrap()).await;
        assert_eq!((response.status.as_u16(), response.header(header::ALLOW)), (405, allowed), "{path}");
    }
}
