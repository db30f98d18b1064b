//! Deliveries of providers: received, proved or refused, kept, and applied.

use domain::Provider;
use jiff::Timestamp;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};
use store::Backlog;
use webhooks::Rejection;

use super::Declare;

/// The label that names a provider.
const SOURCE: &str = "source";
/// Upper bounds of the time from receiving to applying, in seconds.
const LAG_BUCKETS_S: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0, 3600.0];

/// Reasons that are seen before a delivery is read: by the limits around the handler.
pub(super) const REASONS_OF_LIMITS: [&str; 5] = ["too_large", "encoding", "unreadable", "limited", "no_key"];

/// What is counted of deliveries.
#[derive(Debug)]
pub struct Deliveries {
    sources: [Source; 3],
    /// Documents that prove deliveries: Circle's public keys.
    pub circle_keys: Fetches,
    /// Certificates of SNS.
    pub sns_certificates: Fetches,
    /// Confirmations of subscriptions at SNS.
    pub sns_confirmations: Fetches,
}

/// One source's counters.
#[derive(Debug)]
pub struct Source {
    /// Requests.
    pub received: IntCounter,
    /// Whose sender is proved.
    pub verified: IntCounter,
    /// Kept for the first time.
    pub stored: IntCounter,
    /// Kept already.
    pub duplicate: IntCounter,
    /// Subscriptions that were confirmed.
    pub confirmed: IntCounter,
    /// Told to come again: nothing was kept.
    pub unavailable: IntCounter,
    /// Applied.
    pub processed: IntCounter,
    /// Kept without an effect, because there is none.
    pub unhandled: IntCounter,
    /// Attempts to apply one that failed.
    pub failed: IntCounter,
    /// Given up.
    pub dead: IntCounter,
    /// Events that wait to be applied.
    pub backlog: IntGauge,
    /// Age of the oldest of them.
    pub oldest_pending_seconds: Gauge,
    /// Events that were given up, and that nobody asked for again.
    pub dead_letters: IntGauge,
    /// Time from receiving to applying.
    pub lag: Histogram,
    rejected: Vec<(&'static str, IntCounter)>,
}

/// Documents of one sort that were fetched.
#[derive(Clone, Debug)]
pub struct Fetches {
    /// Those that came.
    pub fetched: IntCounter,
    /// Those that are not there.
    pub not_there: IntCounter,
    /// Those whose host refused our key.
    pub denied: IntCounter,
    /// Those whose host did not answer as it should.
    pub away: IntCounter,
    /// Those that were not asked for, because too many were.
    pub capped: IntCounter,
}

impl Deliveries {
    pub(super) fn new(declare: &Declare<'_>) -> Result<Self, prometheus::Error> {
        let families = BySource::new(declare)?;
        let fetches = declare.register(IntCounterVec::new(
            Declare::opts("webhook_fetches_total", "Documents fetched to prove deliveries"),
            &["document", "outcome"],
        ))?;
        Ok(Self {
            sources: Provider::ALL.map(|source| families.source(source.as_str())),
            circle_keys: Fetches::of(&fetches, "circle_key"),
            sns_certificates: Fetches::of(&fetches, "sns_certificate"),
            sns_confirmations: Fetches::of(&fetches, "sns_confirmation"),
        })
    }

    /// Notes what is still to be done.
    pub fn note_backlog(&self, backlogs: &[Backlog], now: Timestamp) {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for backlog in backlogs {
            let source = self.of(backlog.provider);
            let age_s = backlog.oldest_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
            source.backlog.set(count(backlog.unfinished));
            source.dead_letters.set(count(backlog.dead));
            source.oldest_pending_seconds.set(age_s);
        }
    }

    /// The counters of a source.
    #[must_use]
    pub fn of(&self, source: Provider) -> &Source {
        let [alpaca, bridge, circle] = &self.sources;
        match source {
            Provider::Alpaca => alpaca,
            Provider::Bridge => bridge,
            Provider::Circle => circle,
        }
    }
}

impl Source {
    /// The counter of a reason to refuse; `None` for one that is not known.
    #[must_use]
    pub fn rejected(&self, reason: &str) -> Option<&IntCounter> {
        self.rejected.iter().find(|(known, _)| *known == reason).map(|(_, counter)| counter)
    }
}

struct BySource {
    outcomes: IntCounterVec,
    rejected: IntCounterVec,
    events: IntCounterVec,
    backlog: IntGaugeVec,
    oldest_pending_seconds: GaugeVec,
    dead_letters: IntGaugeVec,
    lag: HistogramVec,
}

impl BySource {
    fn new(declare: &Declare<'_>) -> Result<Self, prometheus::Error> {
        let by = |name, help, label| declare.by_source(name, help, label);
        let gauges = |name, help| declare.register(IntGaugeVec::new(Declare::opts(name, help), &[SOURCE]));
        let oldest = Declare::opts(
            "webhook_oldest_pending_seconds",
            "Age of the oldest event that waits to be applied",
        );
        let lag = HistogramOpts::from(Declare::opts(
            "webhook_processing_lag_seconds",
            "Time from receiving an event to applying it",
        ));
        Ok(Self {
            outcomes: by("webhook_deliveries_total", "Deliveries by outcome", "outcome")?,
            rejected: by("webhook_rejected_total", "Deliveries that were refused, by reason", "reason")?,
            events: by("webhook_events_total", "Events that were taken up, by outcome", "outcome")?,
            backlog: gauges("webhook_backlog", "Events that wait to be applied")?,
            oldest_pending_seconds: declare.register(GaugeVec::new(oldest, &[SOURCE]))?,
            dead_letters: gauges("webhook_dead_letters", "Events that were given up")?,
            lag: declare.register(HistogramVec::new(lag.buckets(LAG_BUCKETS_S.to_vec()), &[SOURCE]))?,
        })
    }

    fn source(&self, source: &'static str) -> Source {
        let outcome = |outcome| self.outcomes.with_label_values(&[source, outcome]);
        let event = |outcome| self.events.with_label_values(&[source, outcome]);
        let reasons = Rejection::REASONS.into_iter().chain(REASONS_OF_LIMITS);
        let rejected = |reason: &'static str| (reason, self.rejected.with_label_values(&[source, reason]));
        Source {
            received: outcome("received"),
            verified: outcome("verified"),
            stored: outcome("stored"),
            duplicate: outcome("duplicate"),
            confirmed: outcome("confirmed"),
            unavailable: outcome("unavailable"),
            processed: event("processed"),
            unhandled: event("unhandled"),
            failed: event("failed"),
            dead: event("dead"),
            backlog: self.backlog.with_label_values(&[source]),
            oldest_pending_seconds: self.oldest_pending_seconds.with_label_values(&[source]),
            dead_letters: self.dead_letters.with_label_values(&[source]),
            lag: self.lag.with_label_values(&[source]),
            rejected: reasons.map(rejected).collect(),
        }
    }
}

impl Fetches {
    fn of(family: &IntCounterVec, document: &str) -> Self {
        let outcome = |outcome| family.with_label_values(&[document, outcome]);
        Self {
            fetched: outcome("fetched"),
            not_there: outcome("not_there"),
            denied: outcome("denied"),
            away: outcome("away"),
            capped: outcome("capped"),
        }
    }
}

impl Declare<'_> {
    fn by_source(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, prometheus::Error> {
        self.register(IntCounterVec::new(Self::opts(name, help), &[SOURCE, label]))
    }

    pub(super) fn float(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.register(Gauge::with_opts(Self::opts(name, help)))
    }
}
