use http::{Method, StatusCode};
use std::time::Duration;
use telemetry::metrics::DURATION_BUCKETS_S;

use super::*;

/// Longest metrics text of an idle service, in bytes: Prometheus stores every scrape of every replica.
const QUIET_BYTES_MAX: usize = 48 * 1024;

#[test]
fn an_idle_service_has_few_series_and_each_response_adds_only_its_own() {
    let metrics = metrics().unwrap();
    let quiet = metrics.text().unwrap();
    assert!(quiet.len() < QUIET_BYTES_MAX, "{} bytes", quiet.len());
    for status in ["status=\"500\"", "status=\"503\"", "status=\"200\""] {
        let zeros = quiet.lines().filter(|line| line.contains(status) && line.ends_with("} 0")).count();
        assert!(zeros >= openapi::routes().len(), "{status}: {zeros}");
    }
    let other_method = metrics.routes.child(Some("/livez"), &Method::DELETE);
    other_method.observe(StatusCode::METHOD_NOT_ALLOWED, Duration::from_millis(1));
    let added = metrics.text().unwrap().lines().count() - quiet.lines().count();
    assert_eq!(
        added,
        1 + DURATION_BUCKETS_S.len() + 3,
        "a count, and the buckets, sum and count of its time"
    );
}
