//! `GET /metrics` and `/metrics/json`. They are not public: a setting decides who may read them.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use config::MetricsAccess;
use http::{HeaderMap, header};
use telemetry::Clock;
use telemetry::metrics::{OPEN_METRICS_MEDIA_TYPE, Summary, TEXT_MEDIA_TYPE};
use tokio::time::timeout;

use crate::direct_request::DirectRequests;
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;
use crate::schemas::Problems;
use crate::state::Exposition;

/// Longest wait for the database.
const BACKLOG_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether this request needs no API key.
pub(crate) fn is_open_to(access: MetricsAccess, direct: &DirectRequests, request: &Request) -> bool {
    let is_allowed = match access {
        MetricsAccess::Open => true,
        MetricsAccess::Key => false,
        MetricsAccess::Loopback => {
            let context = RequestContext::get(request.extensions()).ok();
            context.and_then(|context| context.client.get()).is_some_and(IpAddr::is_loopback)
        }
    };
    is_allowed && direct.check(request).is_ok()
}

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "probes",
    security(()),
    responses(
        (
            status = 200,
            description = "Text format 0.0.4, or OpenMetrics 1.0 with exemplars if `Accept` prefers it",
            content((String = "text/plain"), (String = "application/openmetrics-text")),
        ),
        Problems,
    )
)]
pub(crate) async fn text(
    State(exposition): State<Exposition>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
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
    let (media_type, text) = match prefers_open_metrics(&headers) {
        true => (OPEN_METRICS_MEDIA_TYPE, metrics.open_metrics()),
        false => {
            let failed =
                |error| Problem::new(Kind::Internal, "encoding the metrics failed").caused_by(&error);
            (TEXT_MEDIA_TYPE, metrics.text().map_err(failed)?)
        }
    };
    Ok(([(header::CONTENT_TYPE, media_type), (header::VARY, "Accept")], text).into_response())
}

/// Whether the client accepts OpenMetrics 1.0 at least as gladly as the text format, which is the default.
fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    let (mut open_metrics, mut text, mut any) = (0.0_f32, None::<f32>, 0.0_f32);
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let (mut weight, mut version) = (1.0, "1.0.0");
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match name.to_ascii_lowercase().as_str() {
                "q" => weight = value.parse().unwrap_or(0.0),
                "version" => version = value.trim_matches('"'),
                _ => {}
            }
        }
        match media_type.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" if version == "1.0.0" => open_metrics = open_metrics.max(weight),
            "text/plain" | "text/*" => text = Some(text.unwrap_or_default().max(weight)),
            "*/*" => any = any.max(weight),
            _ => {}
        }
    }
    open_metrics > 0.0 && open_metrics >= text.unwrap_or(any)
}

/// A summary of the metrics
#[utoipa::path(
    get,
    path = "/metrics/json",
    operation_id = "getMetricsSummary",
    tag = "probes",
    security(()),
    responses((status = 200, description = "Totals since the start", body = Object), Problems)
)]
pub(crate) async fn json(State(exposition): State<Exposition>) -> Json<Summary> {
    Json(exposition.metrics.summary())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        for (accept, expected) in [
            // What Prometheus 2.42 and 3 send.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,/;q=0.1",
                true,
            ),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", true),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"", true),
            ("application/openmetrics-text;q=0.1, */*;q=1", false),
            ("application/openmetrics-text;Q=0.1, text/plain", false),
            ("application/openmetrics-text;version=0.0.1", false),
            ("application/openmetrics-text;q=0", false),
            ("text/plain, application/openmetrics-text;q=0.5", false),
            ("*/*", false),
            ("text/html", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(prefers_open_metrics(&headers), expected, "{accept}");
        }
        assert!(!prefers_open_metrics(&HeaderMap::new()));
    }

    #[test]
    fn only_a_direct_client_of_this_machine_passes_without_a_key() {
        let direct = DirectRequests::new(&[]);
        for (address, header, expected) in [
            ("127.0.0.1", ("host", "localhost:3000"), [true, true, false]),
            ("::1", ("host", "[::1]:3000"), [true, true, false]),
            ("192.0.2.1", ("host", "localhost:3000"), [false, true, false]),
            // Of a web page, and of a proxy on this machine.
            ("127.0.0.1", ("host", "attacker.example"), [false; 3]),
            ("127.0.0.1", ("via", "1.1 proxy"), [false; 3]),
            ("127.0.0.1", ("x-forwarded-port", "443"), [false; 3]),
        ] {
            let mut request = Request::builder().header(header.0, header.1).body(Body::empty()).unwrap();
            RequestContext::attach_from(&mut request, address);
            let open = [MetricsAccess::Loopback, MetricsAccess::Open, MetricsAccess::Key]
                .map(|access| is_open_to(access, &direct, &request));
            assert_eq!(open, expected, "{address} {header:?}");
        }
        assert!(!is_open_to(MetricsAccess::Loopback, &direct, &Request::default()), "without an address");
    }
}
