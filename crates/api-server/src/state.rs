//! What handlers are given: small parts, each handler taking only those that it needs.

mod readiness;

use std::sync::Arc;

use axum::extract::FromRef;
use market_data::MarketData;

use crate::answers::Answers;
use crate::handlers::docs::Pages;
use crate::workers::Board;

pub use readiness::Readiness;

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

/// The probes share these.
#[derive(Clone, Debug)]
pub struct Probes {
    /// The last results of the background checks.
    pub board: Arc<Board>,
    /// Whether the service takes new work.
    pub readiness: Readiness,
}

/// Everything a router is built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// For the API.
    pub api: Api,
    /// For the probes.
    pub probes: Probes,
    /// The reference pages; `None` when they are turned off.
    pub pages: Option<Arc<Pages>>,
}

impl FromRef<Api> for Arc<MarketData> {
    fn from_ref(api: &Api) -> Self {
        Self::clone(&api.market_data)
    }
}

impl FromRef<Api> for Arc<Answers> {
    fn from_ref(api: &Api) -> Self {
        Self::clone(&api.answers)
    }
}

impl FromRef<Api> for Arc<analysis::Models> {
    fn from_ref(api: &Api) -> Self {
        Self::clone(&api.models)
    }
}

impl FromRef<Probes> for Arc<Board> {
    fn from_ref(probes: &Probes) -> Self {
        Self::clone(&probes.board)
    }
}

impl FromRef<Probes> for Readiness {
    fn from_ref(probes: &Probes) -> Self {
        probes.readiness.clone()
    }
}
