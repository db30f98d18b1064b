//! The metrics of secrets: what happened to them, counted from their events, and how they stand, read when asked.
//!
//! Labels come from the catalogue and from fixed words; no label and no value has anything of a secret's value in it.
//! The event's recorder exists before the registry does, because secrets are found before anything else is built.

mod standing;

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts};
use secrets::{Catalogue, Event, Kind, Recorder, Secrets};

use crate::clock::Clock;
use crate::metrics::Families;
use standing::Standing;

/// What a search for a secret may bring beside a failure, by its label.
const FOUND: &str = "found";
const CONFIRMED: &str = "confirmed";
const CHANGED: &str = "changed";
/// Failures of a search that exist at zero from the start.
const FAILURES: [Kind; 8] = [
    Kind::NotFound,
    Kind::Ambiguous,
    Kind::AccessDenied,
    Kind::Invalid,
    Kind::Policy,
    Kind::Unavailable,
    Kind::Deleted,
    Kind::Internal,
];
/// What a running service asks of Secrets Manager, and what comes of it: these, too, exist at zero.
const OPERATIONS: [&str; 2] = ["BatchGetSecretValue", "GetSecretValue"];
const CALL_OUTCOMES: [&str; 8] =
    ["ok", "not_found", "refused", "credentials_expired", "throttled", "timeout", "connection", "service"];
/// Upper bounds of the buckets of a call's time, in seconds; a call ends after 5.
const CALL_BUCKETS_S: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// What happened to secrets.
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
    /// Everything at zero for the secrets of this catalogue.
    ///
    /// # Errors
    /// A malformed name, which is a fault in this file.
    pub fn new(catalogue: Catalogue) -> Result<Self, prometheus::Error> {
        let counters =
            |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(prefixed(name), help), labels);
        let seconds =
            HistogramOpts::new(prefixed("upstream_seconds"), "Time of a call of AWS Secrets Manager");
        let last_success = Opts::new(
            prefixed("last_success_timestamp_seconds"),
            "When a secret's place last confirmed it, in seconds since 1970; 0 for never",
        );
        let lost = "Records of events of secrets that could not be kept";
        let metrics = Self {
            refreshes: counters("refresh_total", "Searches for a secret by what they brought", &["outcome"])?,
            calls: counters(
                "upstream_calls_total",
                "Calls of AWS Secrets Manager",
                &["operation", "outcome"],
            )?,
            call_seconds: HistogramVec::new(seconds.buckets(CALL_BUCKETS_S.to_vec()), &["operation"])?,
            reads: counters("read_total", "Reads of secrets by what they got", &["freshness"])?,
            previous_used: counters(
                "previous_used_total",
                "Proofs with the value before: while this grows it cannot be retired",
                &["secret"],
            )?,
            last_success: IntGaugeVec::new(last_success, &["secret"])?,
            audit_lost: IntCounter::new(prefixed("audit_lost_total"), lost)?,
            catalogue,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// Counts every event from now on.
    #[must_use]
    pub fn recorder(self: &Arc<Self>) -> Recorder {
        let metrics = Arc::clone(self);
        Arc::new(move |event| metrics.record(event))
    }

    /// Registers what is counted, and how `secrets` stand.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn register(&self, families: &Families, secrets: &Secrets) -> Result<(), prometheus::Error> {
        let Self {
            catalogue,
            refreshes,
            calls,
            call_seconds,
            reads,
            previous_used,
            last_success,
            audit_lost,
        } = self;
        // First, because what it tells is then counted in the same answer.
        families.register(Box::new(Standing::new(secrets.clone(), catalogue)?))?;
        let collectors: [Box<dyn Collector>; 7] = [
            Box::new(refreshes.clone()),
            Box::new(calls.clone()),
            Box::new(call_seconds.clone()),
            Box::new(reads.clone()),
            Box::new(previous_used.clone()),
            Box::new(last_success.clone()),
            Box::new(audit_lost.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| families.register(collector))
    }

    fn begin_at_zero(&self) {
        for outcome in [FOUND, CONFIRMED, CHANGED].into_iter().chain(FAILURES.map(Kind::as_str)) {
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
            Event::Accepting { name, .. } => self.stamp(name.as_str()),
            Event::RefreshFailed { error, .. } => {
                self.refreshes.with_label_values(&[error.kind().as_str()]).inc();
            }
            Event::Asked { operation, outcome, took } => self.called(operation, outcome, *took),
            Event::PreviousUsed { name, times } => {
                self.previous_used.with_label_values(&[name.as_str()]).inc_by(*times);
            }
            Event::Read { fresh, stale, failed, .. } => {
                for (freshness, times) in [("fresh", fresh), ("stale", stale), ("failed", failed)] {
                    self.reads.with_label_values(&[freshness]).inc_by(*times);
                }
            }
            Event::AuditLost => self.audit_lost.inc(),
            // The rest is for the record, not for counting.
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
