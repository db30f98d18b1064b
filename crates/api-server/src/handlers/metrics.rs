//! `GET /metrics` and `/metrics/json`. They are not for the public: their layers, or the client's address, decide.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

use crate::layers::client_address::ClientAddress;
use crate::metrics::{Metrics, Summary, TEXT_MEDIA_TYPE};
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proof that the client is on this machine: neither its address nor a proxy says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct FromThisMachine;

impl<S: Send + Sync> FromRequestParts<S> for FromThisMachine {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let address = parts.extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address);
        match is_from_this_machine(address, &parts.headers) {
            true => Ok(Self),
            false => Err(Problem::new(Kind::Forbidden, "metrics are answered to this machine only")),
        }
    }
}

/// A proxy on this machine also connects from a loopback address, and says for whom. When it is not trusted its word
/// does not count, but that it speaks for someone else does.
fn is_from_this_machine(address: Option<IpAddr>, headers: &HeaderMap) -> bool {
    let is_forwarded = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
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
pub async fn text(State(metrics): State<Arc<Metrics>>) -> Result<Response, Problem> {
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
pub async fn json(State(metrics): State<Arc<Metrics>>) -> Json<Summary> {
    Json(metrics.summary())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_a_direct_client_of_this_machine_is_from_this_machine() {
        let forwarded = HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"))]);
        for (address, headers, expected) in [
            (Some("127.0.0.1"), HeaderMap::new(), true),
            (Some("::1"), HeaderMap::new(), true),
            (Some("192.0.2.1"), HeaderMap::new(), false),
            (Some("127.0.0.1"), forwarded, false),
            (None, HeaderMap::new(), false),
        ] {
            let address = address.map(|address| address.parse().unwrap());
            assert_eq!(is_from_this_machine(address, &headers), expected, "{address:?}");
        }
    }
}
