//! The state of the handlers of each group of routes.

use std::sync::Arc;

use config::{MetricsAccess, Profile};
use domain::Money;
use intake::WebhookIntake;
use market_data::MarketData;
use store::Store;
use telemetry::Clock;
use telemetry::metrics::Metrics;
use tokio_util::sync::CancellationToken;
use workers::HealthRegistry;

use crate::auth_events::AuthEvents;
use crate::body_readers::BodyReaders;
use crate::heavy_work::HeavyWork;
use crate::indicator_cache::IndicatorCache;
use crate::keys::StoredKeyLoader;
use crate::response_cache::ResponseCache;

/// For the routes of market data and analyses.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) market_data: Arc<MarketData>,
    pub(crate) response_cache: Arc<ResponseCache>,
    pub(crate) indicators: IndicatorCache,
    pub(crate) heavy_work: HeavyWork,
    pub(crate) models: analysis::Models,
}

/// For the probes.
#[derive(Clone, Debug)]
pub(crate) struct Probes {
    pub(crate) health: Arc<HealthRegistry>,
    pub(crate) shutdown: CancellationToken,
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
    pub(crate) auth_events: Arc<AuthEvents>,
    pub(crate) profile: Profile,
    /// Loads the API keys of the database; `None` on an open server.
    pub(crate) stored_keys: Option<Arc<StoredKeyLoader>>,
    /// A journal that moves more dollars than this needs two persons.
    pub(crate) journal_approval_above: Money,
}

impl WebhookState {
    pub(crate) fn new(intake: Arc<WebhookIntake>, clock: Clock, readers_max: usize) -> Self {
        Self { intake, clock, readers: BodyReaders::new(readers_max) }
    }
}

impl AdminState {
    /// Applies a change of API keys that this server made. If the database fails now, the next poll applies it.
    pub(crate) async fn load_keys(&self) {
        let Some(loader) = &self.stored_keys else { return };
        if let Err(error) = loader.load().await {
            tracing::debug!(%error, "loading a changed API key failed");
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.intake.store
    }
}
