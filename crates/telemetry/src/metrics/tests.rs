use super::*;
use crate::span_ids::SpanIds;
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
        metrics.routes.child(route, &method).observe(status, Duration::from_millis(duration_ms), None);
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

#[test]
fn as_open_metrics_a_bucket_has_the_last_recorded_request() {
    let metrics = metrics();
    let observe = |route, duration_ms, flags| {
        let ids = SpanIds::parse(&format!(
            "00-4bf92f3577b34da6a3ce929d0e0e47{duration_ms:02}-00f067aa0ba902b7-{flags}"
        ));
        let child = metrics.routes.child(Some(route), &Method::GET);
        child.observe(StatusCode::OK, Duration::from_millis(duration_ms), ids);
    };
    observe("/livez", 20, "01");
    observe("/livez", 25, "01");
    observe("/livez", 22, "00");
    observe("/livez", 40, "01");
    observe("/api/analyze/{symbol}", 21, "00");
    let page = metrics.open_metrics();
    let prefix = "investiq_http_request_duration_seconds_bucket{method=\"GET\",route=\"/livez\",le=";
    let buckets: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
    assert_eq!(buckets.len(), DURATION_BUCKETS_S.len() + 1);
    for (bucket, expected) in [
        ("\"0.01\"} ", "0"),
        ("\"0.025\"} ", "3 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4725\"} 0.025 "),
        ("\"0.05\"} ", "4 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4740\"} 0.04 "),
        ("\"1.0\"} ", "4"),
        ("\"+Inf\"} ", "4"),
    ] {
        let line = buckets.iter().find_map(|line| line.strip_prefix(bucket)).unwrap();
        assert!(line.starts_with(expected) && line.contains('#') == expected.contains('#'), "{bucket}{line}");
    }
    assert_eq!(page.matches(" # {").count(), 2);
    for line in [
        "# TYPE investiq_http_requests counter",
        "investiq_http_requests_total{method=\"GET\",route=\"/livez\",status=\"200\"} 4",
        "# TYPE investiq_http_requests_in_flight gauge",
        "investiq_http_requests_in_flight 0",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} is not in\n{page}");
    }
    assert!(page.ends_with("\n# EOF\n"));
}
