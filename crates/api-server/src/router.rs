//! Every route on one page, in groups that differ in the layers around them.

mod group;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler as _;
use config::MetricsAccess;
use config::api_keys::Role;
use tower::service_fn;
use webhooks::PROVIDERS;

use crate::handlers::admin::{
    audit, customers, dead_letter, events, journals, reconciliations, replay, retention, reviews,
    test_signature,
};
use crate::handlers::webhooks::{exists, receive};
use crate::handlers::{
    analyze, analyze_bars, balances, bars, customer_portfolio, docs, entries, health, indicators, metrics,
    portfolio, reports, root, symbols,
};
use crate::layers::Layers;
use crate::state::{AdminState, Api, Exposition, Probes, WebhookState};

use group::{Guarded, Keyed, Public, Unlimited, Webhook};

/// The state of every group of routes.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) api: Arc<Api>,
    pub(crate) probes: Probes,
    pub(crate) exposition: Exposition,
    /// `None` if the API reference is disabled.
    pub(crate) pages: Option<Arc<docs::Pages>>,
    pub(crate) webhooks: Arc<WebhookState>,
    pub(crate) admin: Arc<AdminState>,
}

/// All routes, each group within its layers. [`Layers::observe`] goes around everything.
pub(crate) fn router(parts: Parts, layers: &Layers) -> Router {
    let Parts { api, probes, exposition, pages, webhooks, admin } = parts;
    probe_routes(probes, layers)
        .merge(documentation_routes(pages, layers))
        .merge(api_routes(api, layers))
        .merge(webhook_routes(&webhooks, layers))
        .merge(ledger_routes(&admin, layers))
        .merge(admin_routes(&admin, layers))
        .merge(metrics_routes(exposition, layers))
        // Requests for unknown paths count against the limit of their client, too.
        .fallback_service(layers.protect(service_fn(group::not_found)))
}

/// Probes are called all the time and must never be shed or limited. `/health` is for people and monitoring.
fn probe_routes(state: Probes, layers: &Layers) -> Router {
    let public = Public { layers, state: state.clone() };
    let probes = Unlimited { layers, state };
    Router::new()
        .route("/livez", probes.get(health::live))
        .route("/readyz", probes.get(health::ready))
        .route("/health", public.get(health::health))
}

fn documentation_routes(pages: Option<Arc<docs::Pages>>, layers: &Layers) -> Router {
    let reference = if pages.is_some() { root::Reference::Served } else { root::Reference::Disabled };
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
        .route("/api-docs/openapi.json", pages.get(docs::openapi_legacy_path))
}

fn api_routes(state: Arc<Api>, layers: &Layers) -> Router {
    let api = Keyed { layers, role: Role::Viewer, state };
    // A layer around the handler bounds the body, and refuses a larger one.
    let bounded = analyze_bars::post.layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/api/analyze/{symbol}", api.get(analyze::get))
        .route("/api/analyze", api.post(bounded))
        .route("/api/bars/{symbol}", api.get(bars::get))
        .route("/api/indicators/{symbol}", api.get(indicators::get))
        .route("/api/symbols", api.get(symbols::list))
        .route("/api/symbols/{symbol}", api.get(symbols::get))
}

/// One endpoint for each provider. Deliveries have no API key: each is verified by its signature.
fn webhook_routes(state: &Arc<WebhookState>, layers: &Layers) -> Router {
    PROVIDERS.into_iter().fold(Router::new(), |router, declaration| {
        let endpoint = Webhook { layers, provider: declaration.provider, state: Arc::clone(state) };
        let methods = match declaration.endpoint.has_head {
            true => endpoint.post_and_head(receive, exists),
            false => endpoint.post(receive),
        };
        router.route(&declaration.path(), methods)
    })
}

fn ledger_routes(state: &Arc<AdminState>, layers: &Layers) -> Router {
    let ledger = Keyed { layers, role: Role::Viewer, state: Arc::clone(state) };
    Router::new()
        .route("/api/portfolio/{account}", ledger.get(portfolio::get))
        .route("/api/customers/{customer}/portfolio", ledger.get(customer_portfolio::get))
        .route("/api/ledger/entries", ledger.get(entries::list))
        .route("/api/ledger/balances", ledger.get(balances::list))
        .route("/api/ledger/reports/{report}", ledger.get(reports::get))
        .merge(journal_routes(state, layers))
}

/// Who posts by hand has the role of an operator.
fn journal_routes(state: &Arc<AdminState>, layers: &Layers) -> Router {
    let admin = Keyed { layers, role: Role::Admin, state: Arc::clone(state) };
    Router::new()
        .route("/api/ledger/journals", admin.get_and_post(journals::list, journals::create))
        .route("/api/ledger/journals/{id}", admin.get(journals::get))
        .route("/api/ledger/journals/{id}/approve", admin.post(journals::approve))
        .route("/api/ledger/journals/{id}/reject", admin.post(journals::reject))
        .route("/api/ledger/journals/{id}/reverse", admin.post(journals::reverse))
}

fn admin_routes(state: &Arc<AdminState>, layers: &Layers) -> Router {
    let admin = Keyed { layers, role: Role::Admin, state: Arc::clone(state) };
    Router::new()
        .route("/api/admin/webhooks", admin.get(events::list))
        .route("/api/admin/webhooks/{id}", admin.get(events::get))
        .route("/api/admin/webhooks/replay", admin.post(replay::post))
        .route("/api/admin/webhooks/test-signature", admin.post(test_signature::post))
        .route("/api/admin/dead-letter", admin.get(dead_letter::list))
        .route("/api/admin/dead-letter/requeue", admin.post(dead_letter::requeue))
        .route("/api/admin/reviews", admin.get(reviews::list))
        .route("/api/admin/reviews/{id}", admin.get(reviews::get))
        .route("/api/admin/reviews/{id}/resolve", admin.post(reviews::resolve))
        .route("/api/admin/reconciliations", admin.get(reconciliations::list))
        .route("/api/admin/customers", admin.get(customers::list))
        .route("/api/admin/customers/{customer}/link", admin.post(customers::link))
        .route("/api/admin/customers/{customer}/unlink", admin.post(customers::unlink))
        .route("/api/admin/retention/run", admin.post(retention::run))
        .route("/api/admin/audit/verify", admin.get(audit::verify))
}

/// The routes of the listener for metrics: whoever reaches it needs no key.
pub(crate) fn metrics_router(probes: Probes, exposition: Exposition, layers: &Layers) -> Router {
    let probe = Unlimited { layers, state: probes };
    metrics_routes(Exposition { access: MetricsAccess::Open, ..exposition }, layers)
        .route("/livez", probe.get(health::live))
        .fallback_service(layers.protect(service_fn(group::not_found)))
}

/// A setting decides who may read the metrics.
fn metrics_routes(state: Exposition, layers: &Layers) -> Router {
    let guarded = Guarded { layers, access: state.access, state };
    Router::new()
        .route("/metrics", guarded.get(metrics::text))
        .route("/metrics/json", guarded.get(metrics::json))
}

#[cfg(test)]
mod tests;
