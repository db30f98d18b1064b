//! The latest reconciliation of each provider.

use prometheus::IntGaugeVec;

use super::{Families, Labels, opts};

/// Outcomes of a line.
const OUTCOMES: [&str; 6] =
    ["matched", "missing_here", "missing_there", "different", "in_progress", "not_compared"];

/// The latest reconciliation of each provider. Replicas without the leader lease show zeros: take the maximum of all replicas.
#[derive(Debug)]
pub struct Reconciliations {
    providers: Vec<String>,
    lines: IntGaugeVec,
    last: IntGaugeVec,
}

impl Reconciliations {
    pub(super) fn new(families: &Families, labels: Labels<'_>) -> Result<Self, prometheus::Error> {
        let lines = opts("reconciliation_lines", "Lines of the latest reconciliation, by outcome");
        let last = opts(
            "reconciliation_last_success_timestamp_seconds",
            "When a provider was last reconciled with all its lists, in seconds since 1970; 0 for never",
        );
        let reconciliations = Self {
            providers: labels.providers.iter().map(|provider| (*provider).to_owned()).collect(),
            lines: families.declare(IntGaugeVec::new(lines, &["provider", "outcome"]))?,
            last: families.declare(IntGaugeVec::new(last, &["provider"]))?,
        };
        reconciliations.step_down();
        Ok(reconciliations)
    }

    /// Sets the number of lines of a provider with an outcome.
    pub fn set(&self, provider: &str, outcome: &str, lines: u64) {
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        self.lines.with_label_values(&[provider, outcome]).set(lines);
    }

    /// Sets when a provider was last reconciled with all its lists, in seconds since 1970.
    pub fn set_time(&self, provider: &str, at_s: i64) {
        self.last.with_label_values(&[provider]).set(at_s);
    }

    /// Resets all to zero: another replica shows them now.
    pub fn step_down(&self) {
        for provider in &self.providers {
            OUTCOMES.iter().for_each(|outcome| self.set(provider, outcome, 0));
            self.set_time(provider, 0);
        }
    }
}
