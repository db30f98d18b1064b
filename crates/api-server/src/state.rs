//! The state of handlers in small parts, so that each handler takes only what it needs.

use std::sync::Arc;

use axum::extract::FromRef;
use config::MetricsAccess;
use intake::WebhookIntake;
use market_data::MarketData;
use store::Store;
use telemetry::Clock;
use telemetry::metrics::Metrics;
use workers::{HealthRegistry, ShutdownSignal};

use crate::body_readers::BodyReaders;
use crate::response_cache::ResponseCache;

/// For the routes of the API.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) market_data: Arc<MarketData>,
    pub(crate) response_cache: Arc<ResponseCache>,
    pub(crate) models: Arc<analysis::Models>,
}

/// [`Api`] behind one count: axum clones a route's state twice for each request.
#[derive(Clone, Debug)]
pub(crate) struct SharedApi(Arc<Api>);

impl From<Api> for SharedApi {
    fn from(api: Api) -> Self {
        Self(Arc::new(api))
    }
}

/// For the probes.
#[derive(Clone, Debug)]
pub(crate) struct Probes {
    pub(crate) health: Arc<HealthRegistry>,
    pub(crate) shutdown: ShutdownSignal,
}

/// For the metrics.
#[derive(Clone, Debug)]
pub(crate) struct Exposition {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Store,
    pub(crate) access: MetricsAccess,
}

/// For the webhook endpoints.
#[derive(Debug)]
pub(crate) struct WebhookState {
    pub(crate) intake: Arc<WebhookIntake>,
    pub(crate) clock: Clock,
    pub(crate) readers: BodyReaders,
}

/// For the routes of the ledger and of the operator.
#[derive(Debug)]
pub(crate) struct AdminState {
    pub(crate) intake: Arc<WebhookIntake>,
    pub(crate) clock: Clock,
}

impl WebhookState {
    pub(crate) fn new(intake: Arc<WebhookIntake>, clock: Clock, readers_max: usize) -> Self {
        Self { intake, clock, readers: BodyReaders::new(readers_max) }
    }
}

impl AdminState {
    pub(crate) fn store(&self) -> &Store {
        self.intake.store()
    }
}

impl FromRef<SharedApi> for Arc<MarketData> {
    fn from_ref(SharedApi(api): &SharedApi) -> Self {
        Self::clone(&api.market_data)
    }
}

impl FromRef<SharedApi> for Arc<ResponseCache> {
    fn from_ref(SharedApi(api): &SharedApi) -> Self {
        Self::clone(&api.response_cache)
    }
}

impl FromRef<SharedApi> for Arc<analysis::Models> {
    fn from_ref(SharedApi(api): &SharedApi) -> Self {
        Self::clone(&api.models)
    }
}

impl FromRef<Probes> for Arc<HealthRegistry> {
    fn from_ref(probes: &Probes) -> Self {
        Self::clone(&probes.health)
    }
}

impl FromRef<Probes> for ShutdownSignal {
    fn from_ref(probes: &Probes) -> Self {
        probes.shutdown.clone()
    }
}
