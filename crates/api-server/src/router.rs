//! Every route on one page, in groups that differ in the layers put around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::handlers::{analyze, analyze_bars, bars, docs, health, indicators, root, symbols};
use crate::state::Parts;

/// The routes, before any layer.
#[derive(Debug)]
pub struct Groups {
    /// Asked by machines all the time: nothing may shed or limit them.
    pub probes: Router,
    /// For everyone.
    pub docs: Router,
    /// Behind a key.
    pub api: Router,
}

/// All routes.
#[must_use]
pub fn groups(parts: Parts) -> Groups {
    let Parts { api, probes, pages } = parts;

    let probes = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::health))
        .with_state(probes);

    let mut open = Router::new().route("/", get(root::index));
    if let Some(pages) = pages {
        let routes = Router::new()
            .route("/docs", get(docs::reference))
            .route("/docs/problems", get(docs::problems))
            .route("/docs/style.css", get(docs::style))
            .route("/openapi.json", get(docs::openapi))
            .route("/api-docs/openapi.json", get(docs::openapi_older_path));
        open = open.merge(routes.with_state(pages));
    }

    let api = Router::new()
        .route("/api/analyze/{symbol}", get(analyze::one))
        .route("/api/analyze", post(analyze_bars::one))
        .route("/api/symbols", get(symbols::list))
        .route("/api/bars/{symbol}", get(bars::one))
        .route("/api/indicators/{symbol}", get(indicators::one))
        // Bodies are bounded by a layer around this router, which also answers for it.
        .layer(DefaultBodyLimit::disable())
        .with_state(api);

    Groups { probes, docs: open, api }
}

#[cfg(test)]
mod tests;
