//! What handlers are given: small parts, each handler taking only those that it needs.

use std::sync::Arc;

use axum::extract::FromRef;
use market_data::MarketData;
use store::Store;

use crate::answers::Answers;
use crate::clock::Clock;
use crate::config::MetricsAccess;
use crate::deliveries::{self, Desk};
use crate::handlers::deliveries::Reception;
use crate::handlers::docs::Pages;
use crate::metrics::Metrics;
use crate::serve::Draining;
use crate::workers::Board;

/// The routes of the API share these.
#[derive(Clone, Debug)]
pub struct Api {
    /// The source of bars, filings and news.
    pub market_data: Arc<MarketData>,
    /// Finished answers.
    pub answers: Arc<Answers>,
    /// Fitted models of the analysis.
    pub models: Arc<analysis::Models>,
}

/// [`Api`] behind one count: axum clones a route's state twice for each request.
#[derive(Clone, Debug)]
pub struct SharedApi(Arc<Api>);

impl From<Api> for SharedApi {
    fn from(api: Api) -> Self {
        Self(Arc::new(api))
    }
}

/// The probes share these.
#[derive(Clone, Debug)]
pub struct Probes {
    /// The last results of the background checks.
    pub board: Arc<Board>,
    /// Whether the service is on its way down.
    pub draining: Draining,
}

/// The metrics share these.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is kept, which tells how much is still to be done.
    pub store: Store,
    /// Who may read it.
    pub access: MetricsAccess,
}

/// Everything a router is built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// For the API.
    pub api: Api,
    /// For the probes.
    pub probes: Probes,
    /// For the metrics.
    pub exposition: Exposition,
    /// The reference pages; `None` when they are turned off.
    pub pages: Option<Arc<Pages>>,
    /// For deliveries of providers.
    pub reception: Arc<Reception>,
    /// For what is kept of them.
    pub books: Arc<Books>,
}

/// The routes that show and mend what is kept share these.
#[derive(Debug)]
pub struct Books {
    /// Where deliveries are proved; it has the store.
    pub desk: Arc<Desk>,
    /// How long bodies are kept.
    pub retention: deliveries::Retention,
    /// What time it is.
    pub clock: Clock,
}

impl Books {
    /// What is kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.desk.store
    }
}

impl FromRef<SharedApi> for Arc<MarketData> {
    fn from_ref(SharedApi(api): &SharedApi) -> Self {
        Self::clone(&api.market_data)
    }
}

impl FromRef<SharedApi> for Arc<Answers> {
    fn from_ref(SharedApi(api): &SharedApi) -> Self {
        Self::clone(&api.answers)
    }
}

impl FromRef<SharedApi> for Arc<analysis::Models> {
    fn from_ref(SharedApi(api): &SharedApi) -> Self {
        Self::clone(&api.models)
    }
}

impl FromRef<Probes> for Arc<Board> {
    fn from_ref(probes: &Probes) -> Self {
        Self::clone(&probes.board)
    }
}

impl FromRef<Probes> for Draining {
    fn from_ref(probes: &Probes) -> Self {
        probes.draining.clone()
    }
}
