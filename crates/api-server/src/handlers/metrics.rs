//! `GET /metrics` and `/metrics/json`. They are not public: a setting decides who may read them.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use config::MetricsAccess;
use http::{HeaderMap, HeaderName, header};
use telemetry::Clock;
use telemetry::metrics::{Summary, TEXT_MEDIA_TYPE};
use tokio::time::timeout;

use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;
use crate::request_host::is_public_name;
use crate::schemas::Problems;
use crate::state::Exposition;

/// Headers that proxies add. A proxy on this machine that adds none looks like a local client: use `METRICS_ACCESS=key`
/// behind one.
const PROXY_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
    header::VIA,
];

/// Longest wait for the database.
const BACKLOG_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether this request needs no API key.
pub(crate) fn is_open_to(access: MetricsAccess, request: &Request) -> bool {
    match access {
        _ if is_public_name(request) => false,
        MetricsAccess::Open => true,
        MetricsAccess::Key => false,
        MetricsAccess::Loopback => {
            let context = RequestContext::get(request.extensions()).ok();
            is_local_client(context.and_then(|context| context.client.get()), request.headers())
        }
    }
}

/// A proxy on this machine also connects from a loopback address, but its headers show that it forwards a request.
fn is_local_client(address: Option<&IpAddr>, headers: &HeaderMap) -> bool {
    let is_forwarded = PROXY_HEADERS.iter().any(|header| headers.contains_key(header));
    address.is_some_and(IpAddr::is_loopback) && !is_forwarded
}

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "probes",
    security((), ("api_key" = []), ("bearer" = [])),
    responses(
        (status = 200, description = "Text format 0.0.4", body = String, content_type = "text/plain"),
        Problems,
    )
)]
pub(crate) async fn text(State(exposition): State<Exposition>) -> Result<Response, Problem> {
    let Exposition { metrics, store, access: _ } = exposition;
    let now = Clock::System.now();
    // Queried at each scrape, because the backlog changes with every delivery. While the database is down, the gauges
    // keep their last values; other metrics show the outage.
    if let Ok(Ok(backlogs)) = timeout(BACKLOG_TIMEOUT, store.backlog()).await {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for backlog in &backlogs {
            let provider = metrics.deliveries.provider(backlog.provider.as_str());
            let age_s = backlog.oldest_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
            provider.backlog.set(count(backlog.unfinished));
            provider.dead_letters.set(count(backlog.dead));
            provider.oldest_pending_seconds.set(age_s);
        }
    }
    match metrics.text() {
        Ok(text) => Ok(([(header::CONTENT_TYPE, TEXT_MEDIA_TYPE)], text).into_response()),
        Err(error) => Err(Problem::new(Kind::Internal, "encoding the metrics failed").caused_by(&error)),
    }
}

/// A summary of the metrics
#[utoipa::path(
    get,
    path = "/metrics/json",
    operation_id = "getMetricsSummary",
    tag = "probes",
    security((), ("api_key" = []), ("bearer" = [])),
    responses((status = 200, description = "Totals since the start", body = Object), Problems)
)]
pub(crate) async fn json(State(exposition): State<Exposition>) -> Json<Summary> {
    Json(exposition.metrics.summary())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_a_direct_client_of_this_machine_passes_without_a_key() {
        let with = |header| HeaderMap::from_iter([(header, HeaderValue::from_static("192.0.2.1"))]);
        let forwarded = PROXY_HEADERS.map(|header| (Some("127.0.0.1"), with(header), false));
        let direct = [
            (Some("127.0.0.1"), HeaderMap::new(), true),
            (Some("::1"), HeaderMap::new(), true),
            (Some("192.0.2.1"), HeaderMap::new(), false),
            (None, HeaderMap::new(), false),
        ];
        for (address, headers, expected) in direct.into_iter().chain(forwarded) {
            let mut request = Request::default();
            *request.headers_mut() = headers;
            if let Some(address) = address {
                RequestContext::attach_from(&mut request, address);
            }
            assert_eq!(is_open_to(MetricsAccess::Loopback, &request), expected, "{address:?}");
            assert!(is_open_to(MetricsAccess::Open, &request));
            assert!(!is_open_to(MetricsAccess::Key, &request));
            // Of a web page.
            request.headers_mut().insert(header::HOST, HeaderValue::from_static("attacker.example"));
            assert!(
                !is_open_to(MetricsAccess::Open, &request) && !is_open_to(MetricsAccess::Loopback, &request)
            );
        }
    }
}
