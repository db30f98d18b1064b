//! The description of the API for programs (OpenAPI 3.1), made from the handlers and their types.
//!
//! A test holds it against the router: every route is described, and nothing else is.

mod engines;
mod parameters;
mod problems;

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::handlers::admin::{audit, dead_letter, events, replay, retention, test_signature};
use crate::handlers::{
    analyze, analyze_bars, bars, deliveries, docs, entries, health, indicators, metrics, portfolio, root,
    symbols,
};

use engines::EngineShapes;

pub use parameters::{PriceBasisName, SymbolParameter, TimeframeName, WindowParameters};
pub use problems::{ProblemDocument, Problems};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "InvestIQ",
        description = "Analyses of equities: indicators, risk, fundamentals, sentiment, and one explained signal.\n\n\
            A resource is answered as itself. Every figure says what it is, which bars it was computed from, and why \
            it is null when it is. Errors are problem documents (RFC 9457).\n\n\
            It is information, not advice.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "analysis", description = "Market data and what is computed from it"),
        (name = "webhooks", description = "Deliveries of providers, each proved by its signature"),
        (name = "books", description = "What the ledger holds"),
        (name = "admin", description = "What was delivered, and what is to be done about it; with a key of the role admin"),
        (name = "probes", description = "The state of the service"),
        (name = "documentation", description = "This description"),
    ),
    paths(
        analyze::one,
        analyze_bars::one,
        symbols::list,
        symbols::one,
        bars::one,
        indicators::one,
        deliveries::alpaca,
        deliveries::bridge,
        deliveries::circle,
        deliveries::is_here,
        portfolio::one,
        entries::list,
        events::list,
        events::one,
        replay::post,
        test_signature::post,
        dead_letter::list,
        dead_letter::requeue,
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
        docs::openapi_older_path,
    ),
    components(schemas(ProblemDocument)),
    security(("api_key" = []), ("bearer" = [])),
    modifiers(&Credentials, &EngineShapes),
)]
struct Description;

/// The two headers that a key may come in.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let key = ApiKeyValue::with_description("X-API-Key", "A key of this service");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The description of a service that demands keys.
#[must_use]
pub fn document() -> Document {
    Description::openapi()
}

/// The description of a service that runs without keys.
#[must_use]
pub fn document_without_keys() -> Document {
    let mut document = Description::openapi();
    document.security = None;
    document
}
