//! The registry of metrics, with the help text of each family: a family without a series has help, but is not in the
//! exposition yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::opts;
use super::scrape::{Scrape, ScrapeCollector};

/// Every metric family of the service.
#[derive(Debug, Default)]
pub struct Families {
    registry: Registry,
    helps: Mutex<BTreeMap<String, String>>,
}

impl Families {
    /// Adds a metric.
    ///
    /// # Errors
    /// The name is already registered.
    pub fn register(&self, metric: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        let described = metric.desc().into_iter().map(|desc| (desc.fq_name.clone(), desc.help.clone()));
        self.helps.lock().unwrap_or_else(PoisonError::into_inner).extend(described);
        self.registry.register(metric)
    }

    /// Adds families that `read` adds to each scrape.
    ///
    /// # Errors
    /// A name is malformed or already registered.
    pub fn register_scrape(
        &self,
        read: impl Fn(&mut Scrape) -> Result<(), prometheus::Error> + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error> {
        self.register(Box::new(ScrapeCollector::new(read)?))
    }

    /// The current values of every family that has a series.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// The help text of each family, by its name.
    #[must_use]
    pub fn helps(&self) -> BTreeMap<String, String> {
        self.helps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn declare<C: Collector + Clone + 'static>(
        &self,
        metric: Result<C, prometheus::Error>,
    ) -> Result<C, prometheus::Error> {
        let metric = metric?;
        self.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.declare(IntCounter::with_opts(opts(name, help)))
    }

    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.declare(IntCounterVec::new(opts(name, help), labels))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.declare(IntGauge::with_opts(opts(name, help)))
    }
}
