//! `GET /metrics` and `/metrics/json`. They are not for the public: a setting says for whom.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, header};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::config::MetricsAccess;
use crate::layers::exchange::Exchange;
use crate::metrics::{Summary, TEXT_MEDIA_TYPE};
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};
use crate::state::Exposition;

/// What proxies add to a request that they pass on. One that adds nothing cannot be told from a client of this machine:
/// `METRICS_ACCESS=key` is for those.
const SIGNS_OF_A_PROXY: [HeaderName; 6] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
    header::VIA,
];

/// Longest wait for the database to say how much is still to be done.
const BACKLOG_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether this request may pass without a key.
#[must_use]
pub fn is_open_to(access: MetricsAccess, request: &Request) -> bool {
    match access {
        MetricsAccess::Open => true,
        MetricsAccess::Key => false,
        MetricsAccess::Loopback => {
            let address = Exchange::of(request).ok().and_then(Exchange::client);
            is_from_this_machine(address, request.headers())
        }
    }
}

/// A proxy on this machine also connects from a loopback address, and says for whom. When it is not trusted its word
/// does not count, but that it speaks for someone else does.
fn is_from_this_machine(address: Option<IpAddr>, headers: &HeaderMap) -> bool {
    let is_forwarded = SIGNS_OF_A_PROXY.iter().any(|sign| headers.contains_key(sign));
    address.is_some_and(|address| address.is_loopback()) && !is_forwarded
}

/// The metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "probes",
    security((), ("api_key" = []), ("bearer" = [])),
    responses(
        (status = 200, description = "Text format 0.0.4", body = String, content_type = "text/plain"),
        Problems,
    )
)]
pub async fn text(State(exposition): State<Exposition>) -> Result<Response, Problem> {
    let Exposition { metrics, store, access: _ } = exposition;
    let now = Clock::System.now();
    // Asked for now, because what is still to be done changes with every delivery. Without the database the last answer
    // stands: an outage of it is seen in other metrics.
    if let Ok(Ok(backlogs)) = timeout(BACKLOG_TIMEOUT, store.backlog()).await {
        metrics.deliveries.note_backlog(&backlogs, now);
    }
    match metrics.text() {
        Ok(text) => Ok(([(header::CONTENT_TYPE, TEXT_MEDIA_TYPE)], text).into_response()),
        Err(error) => Err(Problem::new(Kind::Internal, "the metrics cannot be written").caused_by(&error)),
    }
}

/// The metrics in short
#[utoipa::path(
    get,
    path = "/metrics/json",
    tag = "probes",
    security((), ("api_key" = []), ("bearer" = [])),
    responses((status = 200, description = "Totals since the start", body = Object), Problems)
)]
pub async fn json(State(exposition): State<Exposition>) -> Json<Summary> {
    Json(exposition.metrics.summary())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_a_direct_client_of_this_machine_passes_without_a_key() {
        let signed = |sign| HeaderMap::from_iter([(sign, HeaderValue::from_static("192.0.2.1"))]);
        let forwarded = SIGNS_OF_A_PROXY.map(|sign| (Some("127.0.0.1"), signed(sign), false));
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
                Exchange::begin_from(&mut request, address);
            }
            assert_eq!(is_open_to(MetricsAccess::Loopback, &request), expected, "{address:?}");
            assert!(is_open_to(MetricsAccess::Open, &request));
            assert!(!is_open_to(MetricsAccess::Key, &request));
        }
    }
}
