//! Unusual uses of API keys, by the names of the configured keys alone, so that no client can create a series.

use std::fmt::Display;

use prometheus::IntCounterVec;

use super::families::Families;

/// The label of keys that are not configured.
const OTHER: &str = "other";

/// What is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// A network that did not use the key lately.
    NewNetwork,
    /// A role that the key does not have was required.
    Forbidden,
}

impl Anomaly {
    const ALL: [Self; 2] = [Self::NewNetwork, Self::Forbidden];

    const fn as_str(self) -> &'static str {
        match self {
            Self::NewNetwork => "new_network",
            Self::Forbidden => "forbidden",
        }
    }
}

/// Counters of each configured key, and of all others together.
#[derive(Debug)]
pub struct KeyAnomalies {
    counters: IntCounterVec,
}

impl KeyAnomalies {
    pub(super) fn new(families: &Families) -> Result<Self, prometheus::Error> {
        let help = "Unusual uses of an API key";
        let counters = families.counters("api_key_anomalies_total", help, &["anomaly", "key"])?;
        let anomalies = Self { counters };
        anomalies.unknown();
        Ok(anomalies)
    }

    /// Of a key that is not configured.
    fn unknown(&self) -> prometheus::IntCounter {
        self.counters.with_label_values(&["unknown", OTHER])
    }

    /// Counts a key that is not configured.
    pub fn count_unknown(&self) {
        self.unknown().inc();
    }

    /// Counts an anomaly of a configured key.
    pub fn count(&self, anomaly: Anomaly, key: impl Display) {
        self.counters.with_label_values(&[anomaly.as_str(), &key.to_string()]).inc();
    }

    /// Starts the series of these keys at zero.
    pub fn start(&self, keys: impl Iterator<Item = impl Display>) {
        for key in keys.map(|key| key.to_string()) {
            for anomaly in Anomaly::ALL {
                let _series = self.counters.with_label_values(&[anomaly.as_str(), key.as_str()]);
            }
        }
    }

    /// Ends the series of keys that are no longer configured.
    pub fn end(&self, keys: impl Iterator<Item = impl Display>) {
        for key in keys.map(|key| key.to_string()) {
            for anomaly in Anomaly::ALL {
                // Only a key that was not configured has none.
                let _missing = self.counters.remove_label_values(&[anomaly.as_str(), key.as_str()]);
            }
        }
    }
}
