//! The responses of handlers over the bundled sample.

mod pages;
mod parameters;
mod resources;
mod scopes;
mod webhooks;

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use store::Store;
use telemetry::Clock;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::*;
use crate::heavy_work::HeavyWork;
use crate::indicator_cache::IndicatorCache;
use crate::problem::Problem;
use crate::request_context::RequestContext;
use crate::response_cache::ResponseCache;

/// Parts whose database is deleted: for routes that store nothing.
async fn parts() -> Parts {
    parts_in(tempfile::tempdir().unwrap().path(), &[]).await
}

/// Parts with a store in this directory, and these secrets.
async fn parts_in(directory: &Path, secrets: &[(&str, &str)]) -> Parts {
    let environment = [("SECRETS_DIR", "/nonexistent")].iter().chain(secrets).copied().collect();
    let config = config::load(&environment).unwrap();
    let credentials = config::Credentials::load(&config, &environment).await.unwrap();
    let url = format!("sqlite:{}", directory.join("test.db").display()).parse().unwrap();
    let key = ::audit::Key::new(&[7; 32]).unwrap();
    let store = Store::open(store::StoreConfig::new(url), key, Clock::System.now()).await.unwrap();
    let metrics = Arc::new(crate::startup::metrics().unwrap());
    let (settings, secrets) = (config.webhooks.providers.clone(), &credentials.secrets);
    let intake =
        intake::WebhookIntake::new(settings, secrets, store, Arc::clone(&metrics), &outbound::Proxy::none())
            .unwrap();
    let intake = Arc::new(intake);
    let market_data = Arc::new(market_data::MarketData::bundled());
    Parts {
        probes: Probes {
            health: Arc::new(workers::HealthRegistry::new(market_data.data_source())),
            shutdown: CancellationToken::new(),
        },
        api: Arc::new(Api {
            market_data,
            response_cache: Arc::new(ResponseCache::new(config.response_cache)),
            indicators: IndicatorCache::new(),
            heavy_work: HeavyWork::new(Arc::clone(&metrics), config.http.rate_limit, 512).unwrap(),
            models: analysis::Models::bundled().unwrap(),
        }),
        exposition: Exposition { metrics, store: intake.store.clone(), access: MetricsAccess::Loopback },
        pages: Some(Arc::new(docs::Pages::new(&crate::openapi::document()))),
        webhooks: Arc::new(WebhookState::new(Arc::clone(&intake), Clock::System, 50)),
        admin: Arc::new(AdminState {
            intake,
            clock: Clock::System,
            auth_events: Arc::default(),
            profile: config.profile,
            stored_keys: None,
            journal_approval_above: config.journal_approval_above,
        }),
    }
}

/// The routes within their layers, without keys.
fn all(parts: Parts) -> Router {
    let layers = Layers::without_keys(Arc::clone(&parts.exposition.metrics));
    router(parts, &layers)
}

struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    problem: Option<Problem>,
    body: Vec<u8>,
}

impl TestResponse {
    async fn new(response: axum::response::Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let problem = parts.extensions.get::<Problem>().cloned();
        Self { status: parts.status, headers: parts.headers, problem, body }
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> Option<&'static str> {
        self.problem.as_ref().map(|problem| problem.kind.code())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn send(router: &Router, mut request: Request<Body>) -> TestResponse {
    RequestContext::attach_from(&mut request, "127.0.0.1");
    TestResponse::new(router.clone().oneshot(request).await.unwrap()).await
}

async fn get(router: &Router, path: &str) -> TestResponse {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn get_with_etag(router: &Router, path: &str, etag: &str) -> TestResponse {
    let request = Request::get(path).header(header::IF_NONE_MATCH, etag);
    send(router, request.body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, body: &Value) -> TestResponse {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    send(router, request.body(Body::from(body.to_string())).unwrap()).await
}
