//! Every route on one page, in groups that differ in the layers put around them.

mod group;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler as _;
use domain::Provider;
use tower::service_fn;

use crate::handlers::admin::{audit, dead_letter, events, replay, retention, test_signature};
use crate::handlers::{
    analyze, analyze_bars, bars, deliveries, docs, entries, health, indicators, metrics, portfolio, root,
    symbols,
};
use crate::keys::Role;
use crate::layers::Layers;
use crate::state::{Api, Books, Exposition, Parts, Probes, SharedApi};
use group::{Delivered, Guarded, Keyed, Public, Unlimited};

/// All routes, each group within its layers. What goes around everything is [`Layers::observe`].
pub fn router(parts: Parts, layers: &Layers) -> Router {
    let Parts { api, probes, exposition, pages, reception, books } = parts;
    probe_routes(probes, layers)
        .merge(documentation_routes(pages, layers))
        .merge(api_routes(api, layers))
        .merge(webhook_routes(&reception, layers))
        .merge(book_routes(&books, layers))
        .merge(admin_routes(&books, layers))
        .merge(metrics_routes(exposition, layers))
        // Unknown paths use up the limit of their client too: nobody finds out for nothing which paths there are.
        .fallback_service(layers.protect(service_fn(group::not_found)))
}

/// Asked by machines all the time: nothing may shed or limit them.
fn probe_routes(state: Probes, layers: &Layers) -> Router {
    let probes = Unlimited { layers, state };
    Router::new()
        .route("/livez", probes.get(health::live))
        .route("/readyz", probes.get(health::ready))
        .route("/health", probes.get(health::health))
}

/// For everyone.
fn documentation_routes(pages: Option<Arc<docs::Pages>>, layers: &Layers) -> Router {
    let reference = if pages.is_some() { root::Reference::Served } else { root::Reference::TurnedOff };
    let index = Public { layers, state: reference };
    let problems = Public { layers, state: docs::ProblemsPage::new() };
    let always = Router::new()
        .route("/", index.get(root::index))
        .route("/docs/problems", problems.get(docs::problems))
        .route("/docs/style.css", problems.get(docs::style));
    let Some(state) = pages else { return always };
    let pages = Public { layers, state };
    always
        .route("/docs", pages.get(docs::reference))
        .route("/openapi.json", pages.get(docs::openapi))
        .route("/api-docs/openapi.json", pages.get(docs::openapi_older_path))
}

/// Behind a key.
fn api_routes(state: Api, layers: &Layers) -> Router {
    let api = Keyed { layers, role: Role::Viewer, state: SharedApi::from(state) };
    // Bodies are bounded by a layer around the handler, which also answers for it.
    let bounded = analyze_bars::one.layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/api/analyze/{symbol}", api.get(analyze::one))
        .route("/api/analyze", api.post(bounded))
        .route("/api/bars/{symbol}", api.get(bars::one))
        .route("/api/indicators/{symbol}", api.get(indicators::one))
        .route("/api/symbols", api.get(symbols::list))
        .route("/api/symbols/{symbol}", api.get(symbols::one))
}

/// Without a key: each delivery is proved by its signature, and has limits apart from the API's.
fn webhook_routes(state: &Arc<deliveries::Reception>, layers: &Layers) -> Router {
    let of = |source| Delivered { layers, source, state: Arc::clone(state) };
    let (alpaca, bridge, circle) = (of(Provider::Alpaca), of(Provider::Bridge), of(Provider::Circle));
    Router::new()
        .route("/api/v1/webhooks/alpaca/{kind}", alpaca.post(deliveries::alpaca))
        .route("/api/v1/webhooks/bridge", bridge.post(deliveries::bridge))
        .route("/api/v1/webhooks/circle", circle.post_and_head(deliveries::circle, deliveries::is_here))
}

/// What the books say, behind a key.
fn book_routes(state: &Arc<Books>, layers: &Layers) -> Router {
    let books = Keyed { layers, role: Role::Viewer, state: Arc::clone(state) };
    Router::new()
        .route("/api/portfolio/{account}", books.get(portfolio::one))
        .route("/api/ledger/entries", books.get(entries::list))
}

/// What an operator may see and do, behind a key of the role admin.
fn admin_routes(state: &Arc<Books>, layers: &Layers) -> Router {
    let admin = Keyed { layers, role: Role::Admin, state: Arc::clone(state) };
    Router::new()
        .route("/api/admin/webhooks", admin.get(events::list))
        .route("/api/admin/webhooks/{id}", admin.get(events::one))
        .route("/api/admin/webhooks/replay", admin.post(replay::post))
        .route("/api/admin/webhooks/test-signature", admin.post(test_signature::post))
        .route("/api/admin/dead-letter", admin.get(dead_letter::list))
        .route("/api/admin/dead-letter/requeue", admin.post(dead_letter::requeue))
        .route("/api/admin/retention/run", admin.post(retention::run))
        .route("/api/admin/audit/verify", admin.get(audit::verify))
}

/// For those whom the setting names.
fn metrics_routes(state: Exposition, layers: &Layers) -> Router {
    let guarded = Guarded { layers, access: state.access, state };
    Router::new()
        .route("/metrics", guarded.get(metrics::text))
        .route("/metrics/json", guarded.get(metrics::json))
}

/// Method and path of every route, for metrics that exist before the first request.
pub const ROUTES: [(&str, &str); 31] = [
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
    ("POST", "/api/v1/webhooks/alpaca/{kind}"),
    ("POST", "/api/v1/webhooks/bridge"),
    ("POST", "/api/v1/webhooks/circle"),
    ("HEAD", "/api/v1/webhooks/circle"),
    ("GET", "/api/portfolio/{account}"),
    ("GET", "/api/ledger/entries"),
    ("GET", "/api/admin/webhooks"),
    ("GET", "/api/admin/webhooks/{id}"),
    ("POST", "/api/admin/webhooks/replay"),
    ("POST", "/api/admin/webhooks/test-signature"),
    ("GET", "/api/admin/dead-letter"),
    ("POST", "/api/admin/dead-letter/requeue"),
    ("POST", "/api/admin/retention/run"),
    ("GET", "/api/admin/audit/verify"),
    ("GET", "/metrics"),
    ("GET", "/metrics/json"),
];

#[cfg(test)]
mod tests;
