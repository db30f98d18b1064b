//! The registry, and what was put into it: a family without a series shows nothing yet, and has its place in
//! docs/METRICS.md all the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;

/// Every family of metrics of the service.
#[derive(Debug, Default)]
pub struct Families {
    registry: Registry,
    helps: Mutex<BTreeMap<String, String>>,
}

impl Families {
    /// Puts in a metric.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn register(&self, metric: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        let described = metric.desc().into_iter().map(|desc| (desc.fq_name.clone(), desc.help.clone()));
        self.helps.lock().unwrap_or_else(PoisonError::into_inner).extend(described);
        self.registry.register(metric)
    }

    /// Everything that has a series, as it is now.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// What each family means, by its name.
    #[must_use]
    pub fn helps(&self) -> BTreeMap<String, String> {
        self.helps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
