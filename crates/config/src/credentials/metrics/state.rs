//! The state of secrets at the time of a scrape.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts};
use secrets::{Catalogue, Freshness, SecretReport, Secrets, VersionReport};

use super::prefixed;
use telemetry::Clock;

/// The state of secrets. The gauges are created for each scrape, so that a removed version disappears from them.
pub(super) struct StateCollector {
    secrets: Secrets,
    ages_max: BTreeMap<String, Duration>,
    descriptions: Vec<Desc>,
}

/// The gauges of one scrape.
struct Gauges {
    age: GaugeVec,
    due: GaugeVec,
    stale: GaugeVec,
    shadowed: GaugeVec,
    previous_expires: GaugeVec,
    version: GaugeVec,
}

impl StateCollector {
    pub(super) fn new(secrets: Secrets, catalogue: &Catalogue) -> Result<Self, prometheus::Error> {
        let gauges = Gauges::new()?;
        let descriptions = gauges.each().into_iter().flat_map(Collector::desc).cloned().collect();
        let ages_max = catalogue.iter().map(|spec| (spec.name.as_str().to_owned(), spec.age_max)).collect();
        Ok(Self { secrets, ages_max, descriptions })
    }
}

impl Collector for StateCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Operators look at this before they retire a version, so recent uses must be counted.
        self.secrets.report_usage();
        let Ok(gauges) = Gauges::new() else { return Vec::new() };
        for entry in &self.secrets.report().secrets {
            gauges.set(entry, self.ages_max.get(entry.name.as_str()).copied());
        }
        gauges.each().into_iter().flat_map(Collector::collect).collect()
    }
}

impl Gauges {
    fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name, help| GaugeVec::new(Opts::new(prefixed(name), help), &["secret"]);
        let info = Opts::new(
            prefixed("version_info"),
            "Always 1; the labels show the accepted versions, by their first characters, and their sources",
        );
        Ok(Self {
            age: gauge("age_seconds", "Age of the current version, if known")?,
            due: gauge(
                "rotation_due_seconds",
                "Time until a secret should be rotated; negative when overdue",
            )?,
            stale: gauge("stale", "1 if the source of a secret no longer confirms it")?,
            shadowed: gauge("shadowed_sources", "Other sources that also have a secret and are ignored")?,
            previous_expires: gauge(
                "previous_expires_timestamp_seconds",
                "Until when the previous version is accepted, in seconds since 1970",
            )?,
            version: GaugeVec::new(info, &["secret", "version", "stage", "source"])?,
        })
    }

    fn each(&self) -> [&GaugeVec; 6] {
        let Self { age, due, stale, shadowed, previous_expires, version } = self;
        [age, due, stale, shadowed, previous_expires, version]
    }

    fn set(&self, entry: &SecretReport, age_max: Option<Duration>) {
        let name = entry.name.as_str();
        let is_stale = matches!(entry.freshness, Freshness::Stale { .. } | Freshness::Expired);
        self.stale.with_label_values(&[name]).set(f64::from(u8::from(is_stale)));
        let shadowed = entry.version.as_ref().map_or(0, |version| version.shadowed.len());
        self.shadowed.with_label_values(&[name]).set(shadowed as f64);
        let Some(version) = &entry.version else { return };
        // An unknown age must not look like 0.
        if let Some(age) = version.age {
            self.age.with_label_values(&[name]).set(age.as_secs_f64());
            let due = age_max.map(|max| max.as_secs_f64() - age.as_secs_f64());
            self.due.with_label_values(&[name]).set(due.unwrap_or_default());
        }
        if let Some(left) = version.previous_left {
            let expires = Clock::System.now().as_second() as f64 + left.as_secs_f64().round();
            self.previous_expires.with_label_values(&[name]).set(expires);
        }
        self.set_versions(name, version);
    }

    fn set_versions(&self, name: &str, version: &VersionReport) {
        let source = version.origin.kind().as_str();
        let VersionReport { id, pending, previous, .. } = version;
        let all = [(Some(id), "current"), (pending.as_ref(), "pending"), (previous.as_ref(), "previous")];
        for (id, stage) in all.into_iter().filter_map(|(id, stage)| Some((id?.to_string(), stage))) {
            self.version.with_label_values(&[name, &id, stage, source]).set(1.0);
        }
    }
}
