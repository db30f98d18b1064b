//! The OpenAPI 3.1 document, derived from handlers, their types and the declarations of providers. A test compares it with the
//! router.

mod engines;
mod webhooks;

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi as Document, PathItem};
use utoipa::{Modify, OpenApi};

use crate::handlers::admin::{
    audit, customers, dead_letter, events, journals, keys, reconciliations, replay, retention, reviews,
    test_signature,
};
use crate::handlers::webhooks::WebhookResponse;
use crate::handlers::{
    analyze, analyze_bars, balances, bars, customer_portfolio, docs, entries, health, indicators, metrics,
    portfolio, reports, root, symbols,
};
use crate::schemas::{
    AccountFilter, IdempotencyKey, IndicatorNames, LedgerAccountName, ProblemDocument, Problems, Reason,
    ReportFormat, ReportKind, ReviewState, Rows,
};

use engines::EngineSchemas;
use webhooks::WebhookPaths;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "InvestIQ",
        description = "Analyses of equities: indicators, risk, fundamentals, sentiment, and one explained signal.\n\n\
            The body of a response is the resource itself. Every figure has its definition, the bars that it was computed \
            from and, if it is null, the reason. Errors are problem documents (RFC 9457).\n\n\
            This is information, not advice.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "analysis", description = "Market data and analyses"),
        (name = "webhooks", description = "Deliveries of providers, each verified by its signature"),
        (name = "ledger", description = "Balances, positions, entries, reports, and journals by hand"),
        (name = "admin", description = "API keys, events, jobs, reviews and the audit chain"),
        (name = "probes", description = "The state of the service"),
        (name = "documentation", description = "The API reference"),
    ),
    paths(
        analyze::get,
        analyze_bars::post,
        symbols::list,
        symbols::get,
        bars::get,
        indicators::get,
        portfolio::get,
        customer_portfolio::get,
        entries::list,
        balances::list,
        reports::get,
        journals::list,
        journals::get,
        journals::create,
        journals::approve,
        journals::reject,
        journals::reverse,
        keys::list,
        keys::create,
        keys::get,
        keys::revoke,
        keys::rotate,
        events::list,
        events::get,
        replay::post,
        test_signature::post,
        dead_letter::list,
        dead_letter::requeue,
        reviews::list,
        reviews::get,
        reviews::resolve,
        reconciliations::list,
        customers::list,
        customers::link,
        customers::unlink,
        retention::run,
        audit::verify,
        health::health,
        health::live,
        health::ready,
        metrics::text,
        metrics::json,
        root::index,
        docs::reference,
        docs::problems,
        docs::style,
        docs::openapi,
        docs::openapi_legacy_path,
    ),
    // Those that parameters alone refer to are not collected.
    components(schemas(ProblemDocument, WebhookResponse, AccountFilter, Reason, IndicatorNames, Rows, IdempotencyKey, ReviewState, ReportKind, ReportFormat, LedgerAccountName)),
    modifiers(&Credentials, &EngineSchemas, &Problems, &WebhookPaths, &RouteScopes),
)]
struct Description;

/// The two headers that an API key may be sent in.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let key = ApiKeyValue::with_description("X-API-Key", "An API key of this service");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

const SCHEMES: [&str; 2] = ["api_key", "bearer"];

/// Each route requires the scope that the router declares for it; all others require nothing.
struct RouteScopes;

impl Modify for RouteScopes {
    fn modify(&self, document: &mut Document) {
        for (method, path, scope) in crate::router::scopes() {
            let Some(operation) = document.paths.paths.get_mut(path).and_then(|item| operation(item, method))
            else {
                continue;
            };
            let schemes = SCHEMES.map(|scheme| SecurityRequirement::new(scheme, [scope.as_str()]));
            // Metrics: perhaps no key is required.
            let without = operation.security.take().map(|_| SecurityRequirement::default());
            operation.security = Some(without.into_iter().chain(schemes).collect());
            let note = format!("Requires the scope `{scope}`.");
            let before = operation.description.take().map(|text| format!("{text}\n\n")).unwrap_or_default();
            operation.description = Some(before + &note);
        }
    }
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "get" => item.get.as_mut(),
        "post" => item.post.as_mut(),
        "delete" => item.delete.as_mut(),
        _ => None,
    }
}

/// The description of a service that requires API keys.
pub(crate) fn document() -> Document {
    Description::openapi()
}

/// Method and path of every route, for metrics that exist before the first request.
pub(crate) fn routes() -> Vec<(&'static str, String)> {
    let operations = |(path, item): (String, PathItem)| {
        let methods = [("GET", item.get), ("POST", item.post), ("DELETE", item.delete), ("HEAD", item.head)];
        methods.into_iter().filter_map(move |(method, operation)| operation.map(|_| (method, path.clone())))
    };
    document().paths.paths.into_iter().flat_map(operations).collect()
}

/// The description of a service that runs without API keys.
pub(crate) fn document_without_keys() -> Document {
    let mut document = Description::openapi();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
            operation.security = None;
        }
    }
    document
}
