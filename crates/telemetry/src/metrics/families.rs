//! The registry, with the help text of each family. A family without a series is not in the exposition yet, but is
//! described in docs/METRICS.md.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;

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
    /// The name is in use already.
    pub fn register(&self, metric: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        let described = metric.desc().into_iter().map(|desc| (desc.fq_name.clone(), desc.help.clone()));
        self.helps.lock().unwrap_or_else(PoisonError::into_inner).extend(described);
        self.registry.register(metric)
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
}
