//! Every route on one page, in groups that differ in the layers put around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_extractor;
use axum::routing::{get, post};

use crate::config::MetricsAccess;
use crate::handlers::metrics::FromThisMachine;
use crate::handlers::{analyze, analyze_bars, bars, docs, health, indicators, metrics, root, symbols};
use crate::keys::Role;
use crate::layers::Layers;
use crate::state::{Api, Exposition, Parts, Probes};

/// All routes, each group within its layers. What goes around everything is [`Layers::observe`].
pub fn router(parts: Parts, layers: &Layers) -> Router {
    let Parts { api, probes, exposition, pages } = parts;
    let access = exposition.access;

    let probes = probes_routes(probes);
    let open = documentation(pages);
    let api = api_routes(api).route_layer(layers.api(Role::Viewer));
    let metrics = metrics_routes(exposition);

    let (unlimited, limited) = match access {
        MetricsAccess::Open => (probes.merge(metrics), open.merge(api)),
        MetricsAccess::Loopback => {
            let metrics = metrics.route_layer(from_extractor::<FromThisMachine>());
            (probes.merge(metrics), open.merge(api))
        }
        MetricsAccess::Key => {
            let metrics = metrics.route_layer(layers.api(Role::Admin));
            (probes, open.merge(api).merge(metrics))
        }
    };
    unlimited.layer(layers.probes()).merge(limited.layer(layers.protect()))
}

/// Asked by machines all the time: nothing may shed or limit them.
fn probes_routes(state: Probes) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::health))
        .with_state(state)
}

/// For everyone.
fn documentation(pages: Option<std::sync::Arc<docs::Pages>>) -> Router {
    let index = Router::new().route("/", get(root::index));
    let Some(pages) = pages else { return index };
    let pages = Router::new()
        .route("/docs", get(docs::reference))
        .route("/docs/problems", get(docs::problems))
        .route("/docs/style.css", get(docs::style))
        .route("/openapi.json", get(docs::openapi))
        .route("/api-docs/openapi.json", get(docs::openapi_older_path))
        .with_state(pages);
    index.merge(pages)
}

/// Behind a key.
fn api_routes(state: Api) -> Router {
    Router::new()
        .route("/api/analyze/{symbol}", get(analyze::one))
        .route("/api/analyze", post(analyze_bars::one))
        .route("/api/bars/{symbol}", get(bars::one))
        .route("/api/indicators/{symbol}", get(indicators::one))
        .route("/api/symbols", get(symbols::list))
        // Bodies are bounded by a layer around this router, which also answers for it.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

/// For whom the setting says.
fn metrics_routes(state: Exposition) -> Router {
    Router::new()
        .route("/metrics", get(metrics::text))
        .route("/metrics/json", get(metrics::json))
        .with_state(state.metrics)
}

/// Method and path of every route, for metrics that exist before the first request.
pub const ROUTES: [(&str, &str); 16] = [
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/health"),
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/problems"),
    ("GET", "/docs/style.css"),
    ("GET", "/openapi.json"),
    ("GET", "/api-docs/openapi.json"),
    ("GET", "/api/analyze/{symbol}"),
    ("POST", "/api/analyze"),
    ("GET", "/api/bars/{symbol}"),
    ("GET", "/api/indicators/{symbol}"),
    ("GET", "/api/symbols"),
    ("GET", "/metrics"),
    ("GET", "/metrics/json"),
];

#[cfg(test)]
mod tests;
