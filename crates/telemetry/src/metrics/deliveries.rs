//! Webhook deliveries: received, verified or rejected, stored, and applied.

use std::sync::OnceLock;

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};

use super::{Families, Labels, opts};

const PROVIDER: &str = "provider";
/// The label of a provider that was not declared at the start.
const OTHER: &str = "other";
/// Upper bounds of the time from receiving to applying, in seconds.
const LAG_BUCKETS_S: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0, 3600.0];

/// Reasons that apply before a signature is checked.
const LIMIT_REASONS: [&str; 5] = ["too_large", "encoding", "unreadable", "limited", "no_key"];

/// The metrics of deliveries.
#[derive(Debug)]
pub struct Deliveries {
    families: ByProvider,
    reasons: Vec<String>,
    by_provider: Vec<(String, ProviderMetrics)>,
    other: OnceLock<ProviderMetrics>,
    /// Public keys of Circle.
    pub circle_keys: FetchMetrics,
    /// Certificates of Amazon SNS.
    pub sns_certificates: FetchMetrics,
    /// Confirmations of subscriptions at Amazon SNS.
    pub sns_confirmations: FetchMetrics,
}

/// The counters of one provider.
#[derive(Debug)]
pub struct ProviderMetrics {
    /// Deliveries received.
    pub received: IntCounter,
    /// Deliveries whose signature is valid.
    pub verified: IntCounter,
    /// Deliveries stored as a new event.
    pub stored: IntCounter,
    /// Deliveries whose event was stored before.
    pub duplicate: IntCounter,
    /// Deliveries with the id of a stored event and other content.
    pub conflict: IntCounter,
    /// Subscriptions confirmed.
    pub confirmed: IntCounter,
    /// Deliveries that were not stored; the provider sends them again.
    pub unavailable: IntCounter,
    /// Events applied.
    pub processed: IntCounter,
    /// Events that have no effect.
    pub unhandled: IntCounter,
    /// Failed attempts to apply an event.
    pub failed: IntCounter,
    /// Events that became dead letters.
    pub dead: IntCounter,
    /// Events that were changed in the database, and became dead letters.
    pub tampered: IntCounter,
    /// Events waiting to be applied.
    pub backlog: IntGauge,
    /// Age of the oldest waiting event.
    pub oldest_pending_seconds: Gauge,
    /// Dead letters that were not requeued.
    pub dead_letters: IntGauge,
    /// Time from receiving a delivery to applying its event.
    pub lag: Histogram,
    rejected: Vec<(String, IntCounter)>,
}

/// Fetches of one kind of document.
#[derive(Clone, Debug)]
pub struct FetchMetrics {
    /// The document was fetched.
    pub fetched: IntCounter,
    /// The host does not have it.
    pub not_found: IntCounter,
    /// The host refused our API key.
    pub denied: IntCounter,
    /// The host is down, or its response is invalid.
    pub unavailable: IntCounter,
    /// The fetch limit was exceeded.
    pub limited: IntCounter,
}

impl Deliveries {
    pub(super) fn new(families: &Families, labels: Labels<'_>) -> Result<Self, prometheus::Error> {
        let help = "Documents fetched to verify deliveries";
        let fetches = families.counters("webhook_fetches_total", help, &["document", "outcome"])?;
        let families = ByProvider::new(families)?;
        let reasons: Vec<String> =
            labels.rejections.iter().copied().chain(LIMIT_REASONS).map(str::to_owned).collect();
        let providers = labels.providers.iter();
        Ok(Self {
            by_provider: providers
                .map(|name| ((*name).to_owned(), families.provider(name, &reasons)))
                .collect(),
            other: OnceLock::new(),
            families,
            reasons,
            circle_keys: FetchMetrics::new(&fetches, "circle_key"),
            sns_certificates: FetchMetrics::new(&fetches, "sns_certificate"),
            sns_confirmations: FetchMetrics::new(&fetches, "sns_confirmation"),
        })
    }

    /// The counters of a provider. One that was not declared is counted as `other`.
    #[must_use]
    pub fn provider(&self, name: &str) -> &ProviderMetrics {
        let declared = self.by_provider.iter().find(|(provider, _)| provider == name);
        let other = || self.other.get_or_init(|| self.families.provider(OTHER, &self.reasons));
        declared.map_or_else(other, |(_, metrics)| metrics)
    }
}

impl ProviderMetrics {
    /// The counter of a reason to reject a delivery; `None` if the reason was not declared.
    #[must_use]
    pub fn rejected(&self, reason: &str) -> Option<&IntCounter> {
        self.rejected.iter().find(|(name, _)| name == reason).map(|(_, counter)| counter)
    }
}

#[derive(Debug)]
struct ByProvider {
    outcomes: IntCounterVec,
    rejected: IntCounterVec,
    jobs: IntCounterVec,
    backlog: IntGaugeVec,
    oldest_pending_seconds: GaugeVec,
    dead_letters: IntGaugeVec,
    lag: HistogramVec,
}

impl ByProvider {
    fn new(families: &Families) -> Result<Self, prometheus::Error> {
        let by = |name, help, label| families.counters(name, help, &[PROVIDER, label]);
        let gauges = |name, help| families.declare(IntGaugeVec::new(opts(name, help), &[PROVIDER]));
        let oldest = opts("webhook_oldest_pending_seconds", "Age of the oldest event waiting to be applied");
        let help = "Time from receiving a delivery to applying its event";
        let lag = HistogramOpts::from(opts("webhook_processing_lag_seconds", help));
        Ok(Self {
            outcomes: by("webhook_deliveries_total", "Deliveries by outcome", "outcome")?,
            rejected: by("webhook_rejected_total", "Deliveries rejected, by reason", "reason")?,
            jobs: by("webhook_jobs_total", "Attempts to apply an event, by outcome", "outcome")?,
            backlog: gauges("webhook_backlog", "Events waiting to be applied")?,
            oldest_pending_seconds: families.declare(GaugeVec::new(oldest, &[PROVIDER]))?,
            dead_letters: gauges(
                "webhook_dead_letters",
                "Events that could not be applied and are no longer retried",
            )?,
            lag: families.declare(HistogramVec::new(lag.buckets(LAG_BUCKETS_S.to_vec()), &[PROVIDER]))?,
        })
    }

    fn provider(&self, provider: &str, reasons: &[String]) -> ProviderMetrics {
        let outcome = |outcome| self.outcomes.with_label_values(&[provider, outcome]);
        let job = |outcome| self.jobs.with_label_values(&[provider, outcome]);
        let rejected =
            |reason: &String| (reason.clone(), self.rejected.with_label_values(&[provider, reason]));
        ProviderMetrics {
            received: outcome("received"),
            verified: outcome("verified"),
            stored: outcome("stored"),
            duplicate: outcome("duplicate"),
            conflict: outcome("conflict"),
            confirmed: outcome("confirmed"),
            unavailable: outcome("unavailable"),
            processed: job("processed"),
            unhandled: job("unhandled"),
            failed: job("failed"),
            dead: job("dead"),
            tampered: job("tampered"),
            backlog: self.backlog.with_label_values(&[provider]),
            oldest_pending_seconds: self.oldest_pending_seconds.with_label_values(&[provider]),
            dead_letters: self.dead_letters.with_label_values(&[provider]),
            lag: self.lag.with_label_values(&[provider]),
            rejected: reasons.iter().map(rejected).collect(),
        }
    }
}

impl FetchMetrics {
    fn new(family: &IntCounterVec, document: &str) -> Self {
        let outcome = |outcome| family.with_label_values(&[document, outcome]);
        Self {
            fetched: outcome("fetched"),
            not_found: outcome("not_found"),
            denied: outcome("denied"),
            unavailable: outcome("unavailable"),
            limited: outcome("limited"),
        }
    }
}
