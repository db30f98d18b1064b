//! Spans of traces.

use prometheus::IntCounter;

use super::Families;

/// Spans by what became of them.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Spans that the collector has.
    pub exported: IntCounter,
    /// Spans that the collector did not accept.
    pub failed: IntCounter,
    /// Spans that were not sent, because too many were waiting.
    pub dropped: IntCounter,
}

impl Traces {
    pub(super) fn new(families: &Families) -> Result<Self, prometheus::Error> {
        let help = "Spans of traces by outcome";
        let spans = families.counters("trace_spans_total", help, &["outcome"])?;
        let outcome = |outcome| spans.with_label_values(&[outcome]);
        Ok(Self { exported: outcome("exported"), failed: outcome("failed"), dropped: outcome("dropped") })
    }
}
