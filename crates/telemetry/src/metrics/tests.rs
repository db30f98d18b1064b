use super::*;
use http::{Method, StatusCode};
use std::time::Duration;

fn metrics() -> Metrics {
    Metrics::new(Labels {
        routes: &[("GET", "/api/analyze/{symbol}"), ("POST", "/api/analyze"), ("GET", "/livez")],
        providers: &["alpaca", "bridge", "circle"],
        rejections: &["signature"],
        review_kinds: &["by_hand"],
    })
    .unwrap()
}

#[test]
fn everything_exists_at_zero_and_the_process_is_described() {
    let text = metrics().text().unwrap();
    for line in [
        "investiq_http_requests_total{method=\"GET\",route=\"/livez\",status=\"503\"} 0",
        "investiq_http_requests_total{method=\"GET\",route=\"/api/analyze/{symbol}\",status=\"502\"} 0",
        "investiq_http_requests_total{method=\"other\",route=\"unmatched\",status=\"404\"} 0",
        "investiq_http_request_duration_seconds_count{method=\"other\",route=\"unmatched\"} 0",
        "investiq_webhook_backlog{provider=\"bridge\"} 0",
        "investiq_webhook_oldest_pending_seconds{provider=\"circle\"} 0",
        "investiq_webhook_dead_letters{provider=\"alpaca\"} 0",
        "investiq_webhook_processing_lag_seconds_count{provider=\"alpaca\"} 0",
        "investiq_http_rate_limited_total{policy=\"key\"} 0",
        "investiq_auth_failures_total{outcome=\"throttled\"} 0",
        "investiq_http_requests_in_flight 0",
        "investiq_http_panics_total 0",
        "investiq_build_info{revision=\"unknown\",version=\"0.1.0\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("# TYPE process_cpu_seconds_total counter"), "{text}");
    let resident = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
    assert!(resident.parse::<u64>().unwrap() > 1_000_000, "{resident}");
}

#[test]
fn a_response_is_counted_under_its_route_method_and_status() {
    let metrics = metrics();
    let count = |route, method, status: u16, duration_ms| {
        let status = StatusCode::from_u16(status).unwrap();
        metrics.routes.child(route, &method).observe(status, Duration::from_millis(duration_ms));
    };
    count(Some("/api/analyze/{symbol}"), Method::GET, 200, 250);
    count(Some("/api/analyze/{symbol}"), Method::GET, 503, 500);
    count(Some("/livez"), Method::DELETE, 405, 1);
    count(Some("/of/nobody"), Method::GET, 404, 1);
    count(None, Method::GET, 418, 2000);
    let text = metrics.text().unwrap();
    for line in [
        "investiq_http_requests_total{method=\"GET\",route=\"/api/analyze/{symbol}\",status=\"200\"} 1",
        "investiq_http_requests_total{method=\"GET\",route=\"/api/analyze/{symbol}\",status=\"503\"} 1",
        "investiq_http_requests_total{method=\"other\",route=\"/livez\",status=\"405\"} 1",
        "investiq_http_requests_total{method=\"other\",route=\"unmatched\",status=\"404\"} 1",
        "investiq_http_requests_total{method=\"other\",route=\"unmatched\",status=\"other\"} 1",
        "investiq_http_request_duration_seconds_bucket{method=\"GET\",route=\"/api/analyze/{symbol}\",le=\"0.25\"} 1",
        "investiq_http_request_duration_seconds_bucket{method=\"GET\",route=\"/api/analyze/{symbol}\",le=\"0.5\"} 2",
        "investiq_http_request_duration_seconds_sum{method=\"GET\",route=\"/api/analyze/{symbol}\"} 0.75",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    let summary = metrics.summary();
    assert_eq!((summary.request_count, summary.error_count, summary.analysis_count), (5, 1, 1));
    let histogram = serde_json::to_value(&summary.latency_histogram).unwrap();
    assert_eq!(
        histogram,
        serde_json::json!({
            "<10ms": 2, "<50ms": 2, "<100ms": 2, "<250ms": 3, "<500ms": 4, "<1000ms": 4, ">=1000ms": 1
        })
    );
}
