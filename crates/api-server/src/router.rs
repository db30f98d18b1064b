//! Every route on one page, in groups that differ in the layers put around them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::{any, get, post};
use tower::ServiceExt;

use crate::handlers::{analyze, analyze_bars, bars, docs, health, indicators, metrics, root, symbols};
use crate::keys::Role;
use crate::layers::Layers;
use crate::state::{Api, Exposition, Parts, Probes};

/// All routes, each group within its layers. What goes around everything is [`Layers::observe`].
pub fn router(parts: Parts, layers: &Layers) -> Router {
    let Parts { api, probes, exposition, pages } = parts;
    let unlimited = probe_routes(probes).layer(layers.probes());
    let limited = documentation_routes(pages).merge(api_routes(api).route_layer(layers.api(Role::Viewer)));
    unlimited.merge(limited.layer(layers.protect())).merge(metrics_routes(exposition, layers))
}

/// Asked by machines all the time: nothing may shed or limit them.
fn probe_routes(state: Probes) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::health))
        .with_state(state)
}

/// For everyone.
fn documentation_routes(pages: Option<Arc<docs::Pages>>) -> Router {
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
        .route("/api/symbols/{symbol}", get(symbols::one))
        // Bodies are bounded by a layer around this router, which also answers for it.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

/// For those whom the setting names.
fn metrics_routes(state: Exposition, layers: &Layers) -> Router {
    let Exposition { metrics, access } = state;
    let routes = Router::new()
        .route("/metrics", get(metrics::text))
        .route("/metrics/json", get(metrics::json))
        .with_state(metrics);
    let open = routes.clone().layer(layers.probes());
    let guarded = routes.route_layer(layers.api(Role::Admin)).layer(layers.protect());
    // Who may pass unasked is seen at the request, and everyone else needs an admin's key.
    let door = any(move |request: Request| {
        let routes = if metrics::is_open_to(access, &request) { open.clone() } else { guarded.clone() };
        routes.oneshot(request)
    });
    Router::new().route("/metrics", door.clone()).route("/metrics/json", door)
}

/// Method and path of every route, for metrics that exist before the first request.
pub const ROUTES: [(&str, &str); 17] = [
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
    ("GET", "/api/symbols/{symbol}"),
    ("GET", "/metrics"),
    ("GET", "/metrics/json"),
];

#[cfg(test)]
mod tests;
