//! Every route on one page, in groups that differ in the layers around them.

mod group;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler as _;
use config::MetricsAccess;
use domain::Scope;
use tower::service_fn;
use webhooks::PROVIDERS;

use crate::handlers::admin::{
    audit, customers, dead_letter, events, journals, keys, reconciliations, replay, retention, reviews,
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

/// Declares keyed routes: the path, then each method with the scope that it requires and its handler. What is declared is what
/// the router serves, and what the OpenAPI document says of it.
macro_rules! keyed_routes {
    ($routes:ident($state:ty), $scopes:ident: $($path:literal => $($method:ident $scope:ident $handler:expr),+;)+) => {
        fn $routes(state: $state, layers: &Layers) -> Router {
            let keyed = Keyed { layers, state };
            Router::new()$(.route($path, keyed.route()$(.$method(Scope::$scope, $handler))+.methods()))+
        }

        const $scopes: &[(&str, &str, Scope)] = &[$($((stringify!($method), $path, Scope::$scope),)+)+];
    };
}

/// The method in lower case, the path and the scope of every route that requires a key.
pub(crate) fn scopes() -> impl Iterator<Item = (&'static str, &'static str, Scope)> {
    // Those that a setting opens require it of all others.
    let guarded = ["/metrics", "/metrics/json"].map(|path| ("get", path, Scope::MetricsRead));
    API_SCOPES.iter().chain(LEDGER_SCOPES).chain(ADMIN_SCOPES).copied().chain(guarded)
}

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
        .merge(ledger_routes(Arc::clone(&admin), layers))
        .merge(admin_routes(admin, layers))
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

keyed_routes! { api_routes(Arc<Api>), API_SCOPES:
    "/api/analyze/{symbol}" => get MarketRead analyze::get;
    // A layer around the handler bounds the body, and refuses a larger one.
    "/api/analyze" => post MarketRead analyze_bars::post.layer(DefaultBodyLimit::disable());
    "/api/bars/{symbol}" => get MarketRead bars::get;
    "/api/indicators/{symbol}" => get MarketRead indicators::get;
    "/api/symbols" => get MarketRead symbols::list;
    "/api/symbols/{symbol}" => get MarketRead symbols::get;
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

keyed_routes! { ledger_routes(Arc<AdminState>), LEDGER_SCOPES:
    "/api/portfolio/{account}" => get PortfolioRead portfolio::get;
    "/api/customers/{customer}/portfolio" => get PortfolioRead customer_portfolio::get;
    "/api/ledger/entries" => get LedgerRead entries::list;
    "/api/ledger/balances" => get LedgerRead balances::list;
    "/api/ledger/reports/{report}" => get LedgerRead reports::get;
    "/api/ledger/journals" => get LedgerAdmin journals::list, post LedgerAdmin journals::create;
    "/api/ledger/journals/{id}" => get LedgerAdmin journals::get;
    "/api/ledger/journals/{id}/approve" => post LedgerAdmin journals::approve;
    "/api/ledger/journals/{id}/reject" => post LedgerAdmin journals::reject;
    "/api/ledger/journals/{id}/reverse" => post LedgerAdmin journals::reverse;
}

keyed_routes! { admin_routes(Arc<AdminState>), ADMIN_SCOPES:
    "/api/admin/keys" => get KeysAdmin keys::list, post KeysAdmin keys::create;
    "/api/admin/keys/{key_id}" => get KeysAdmin keys::get, delete KeysAdmin keys::revoke;
    "/api/admin/keys/{key_id}/rotate" => post KeysAdmin keys::rotate;
    "/api/admin/webhooks" => get WebhooksRead events::list;
    "/api/admin/webhooks/{id}" => get WebhooksRead events::get;
    "/api/admin/webhooks/replay" => post WebhooksAdmin replay::post;
    "/api/admin/webhooks/test-signature" => post WebhooksAdmin test_signature::post;
    "/api/admin/dead-letter" => get WebhooksRead dead_letter::list;
    "/api/admin/dead-letter/requeue" => post WebhooksAdmin dead_letter::requeue;
    "/api/admin/reviews" => get LedgerAdmin reviews::list;
    "/api/admin/reviews/{id}" => get LedgerAdmin reviews::get;
    "/api/admin/reviews/{id}/resolve" => post LedgerAdmin reviews::resolve;
    "/api/admin/reconciliations" => get LedgerAdmin reconciliations::list;
    "/api/admin/customers" => get LedgerAdmin customers::list;
    "/api/admin/customers/{customer}/link" => post LedgerAdmin customers::link;
    "/api/admin/customers/{customer}/unlink" => post LedgerAdmin customers::unlink;
    "/api/admin/retention/run" => post WebhooksAdmin retention::run;
    "/api/admin/audit/verify" => get AuditRead audit::verify;
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
