//! Metrics of secrets: counters of their events, and gauges of their state, read at each scrape.
//!
//! No label and no value contains any part of a secret. The recorder exists before the registry, because secrets are loaded
//! first.

mod state;

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts};
use secrets::{Catalogue, ErrorKind, Event, Recorder, Secrets};

use telemetry::Clock;
use telemetry::metrics::Families;

/// Outcomes of a refresh that did not fail.
const FOUND: &str = "found";
const CONFIRMED: &str = "confirmed";
const CHANGED: &str = "changed";
/// Failures of a refresh that exist at zero from the start.
const FAILURES: [ErrorKind; 8] = [
    ErrorKind::NotFound,
    ErrorKind::Ambiguous,
    ErrorKind::AccessDenied,
    ErrorKind::Invalid,
    ErrorKind::Policy,
    ErrorKind::Unavailable,
    ErrorKind::Deleted,
    ErrorKind::Internal,
];
/// Calls to Secrets Manager and their outcomes, which also exist at zero.
const OPERATIONS: [&str; 2] = ["BatchGetSecretValue", "GetSecretValue"];
const CALL_OUTCOMES: [&str; 8] =
    ["ok", "not_found", "refused", "credentials_expired", "throttled", "timeout", "connection", "service"];
/// Upper bounds of the buckets of a call's time, in seconds; a call ends after 5.
const CALL_BUCKETS_S: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Metrics of secrets.
#[derive(Clone, Debug)]
pub struct SecretMetrics {
    catalogue: Catalogue,
    refreshes: IntCounterVec,
    calls: IntCounterVec,
    call_seconds: HistogramVec,
    reads: IntCounterVec,
    previous_used: IntCounterVec,
    last_success: IntGaugeVec,
    audit_lost: IntCounter,
}

impl SecretMetrics {
    /// Metrics for the secrets of this catalogue, at zero.
    ///
    /// # Errors
    /// A malformed name, which is a bug in this file.
    pub fn new(catalogue: Catalogue) -> Result<Self, prometheus::Error> {
        let counters =
            |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(prefixed(name), help), labels);
        let seconds =
            HistogramOpts::new(prefixed("upstream_seconds"), "Duration of calls to AWS Secrets Manager");
        let last_success = Opts::new(
            prefixed("last_success_timestamp_seconds"),
            "When the source of a secret last confirmed it, in seconds since 1970; 0 for never",
        );
        let metrics = Self {
            refreshes: counters("refresh_total", "Refreshes of secrets by outcome", &["outcome"])?,
            calls: counters(
                "upstream_calls_total",
                "Calls to AWS Secrets Manager",
                &["operation", "outcome"],
            )?,
            call_seconds: HistogramVec::new(seconds.buckets(CALL_BUCKETS_S.to_vec()), &["operation"])?,
            reads: counters("read_total", "Reads of secrets by freshness of the value", &["freshness"])?,
            previous_used: counters(
                "previous_used_total",
                "Uses of the previous version: it cannot be retired while this increases",
                &["secret"],
            )?,
            last_success: IntGaugeVec::new(last_success, &["secret"])?,
            audit_lost: IntCounter::new(
                prefixed("audit_lost_total"),
                "Audit records of secrets that could not be written",
            )?,
            catalogue,
        };
        metrics.create_series();
        Ok(metrics)
    }

    /// A recorder that counts every event.
    #[must_use]
    pub fn recorder(self: &Arc<Self>) -> Recorder {
        let metrics = Arc::clone(self);
        Arc::new(move |event| metrics.record(event))
    }

    /// Registers the counters, and gauges of the state of `secrets`.
    ///
    /// # Errors
    /// A name is already registered.
    pub fn register(&self, families: &Families, secrets: &Secrets) -> Result<(), prometheus::Error> {
        let (secrets, catalogue) = (secrets.clone(), self.catalogue.clone());
        // First, because reading the state reports usage, which the same scrape then counts.
        families.register_scrape(move |scrape| state::read(scrape, &secrets, &catalogue))?;
        let collectors: [Box<dyn Collector>; 7] = [
            Box::new(self.refreshes.clone()),
            Box::new(self.calls.clone()),
            Box::new(self.call_seconds.clone()),
            Box::new(self.reads.clone()),
            Box::new(self.previous_used.clone()),
            Box::new(self.last_success.clone()),
            Box::new(self.audit_lost.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| families.register(collector))
    }

    fn create_series(&self) {
        for outcome in [FOUND, CONFIRMED, CHANGED].into_iter().chain(FAILURES.map(ErrorKind::as_str)) {
            self.refreshes.with_label_values(&[outcome]);
        }
        for operation in OPERATIONS {
            self.call_seconds.with_label_values(&[operation]);
            for outcome in CALL_OUTCOMES {
                self.calls.with_label_values(&[operation, outcome]);
            }
        }
        for freshness in ["fresh", "stale", "failed"] {
            self.reads.with_label_values(&[freshness]);
        }
        for spec in self.catalogue.iter() {
            self.previous_used.with_label_values(&[spec.name.as_str()]);
            self.last_success.with_label_values(&[spec.name.as_str()]);
        }
    }

    fn record(&self, event: &Event) {
        match event {
            Event::Resolved { name, .. } => self.succeeded(name.as_str(), FOUND),
            Event::Confirmed { name } => self.succeeded(name.as_str(), CONFIRMED),
            Event::Changed { name, .. } => self.succeeded(name.as_str(), CHANGED),
            Event::AcceptedVersions { name, .. } => self.stamp(name.as_str()),
            Event::RefreshFailed { error, .. } => {
                self.refreshes.with_label_values(&[error.kind().as_str()]).inc();
            }
            Event::ApiCall { operation, outcome, elapsed } => self.called(operation, outcome, *elapsed),
            Event::PreviousUsed { name, count } => {
                self.previous_used.with_label_values(&[name.as_str()]).inc_by(*count);
            }
            Event::Reads { fresh, stale, failed, .. } => {
                for (freshness, times) in [("fresh", fresh), ("stale", stale), ("failed", failed)] {
                    self.reads.with_label_values(&[freshness]).inc_by(*times);
                }
            }
            Event::AuditLost => self.audit_lost.inc(),
            // Other events are not counted.
            _ => {}
        }
    }

    fn succeeded(&self, name: &str, outcome: &str) {
        self.refreshes.with_label_values(&[outcome]).inc();
        self.stamp(name);
    }

    fn stamp(&self, name: &str) {
        self.last_success.with_label_values(&[name]).set(Clock::System.now().as_second());
    }

    fn called(&self, operation: &str, outcome: &str, took: Duration) {
        self.calls.with_label_values(&[operation, outcome]).inc();
        self.call_seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }
}

fn prefixed(name: &str) -> String {
    ["investiq_secret_", name].concat()
}

#[cfg(test)]
mod tests;
