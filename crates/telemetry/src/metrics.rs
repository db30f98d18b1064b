//! Every metric of the service, declared together.
//!
//! Label values are known at the start: routes, methods, statuses, providers. Series that alerts use exist at zero before
//! their first event, counting needs no lookup by label, and no client can create a series.

mod business;
mod cgroup;
mod coordination;
mod deliveries;
mod exemplars;
mod exposition;
mod families;
mod key_anomalies;
mod open_metrics;
mod process;
mod queries;
mod reconciliations;
mod reviews;
mod routes;
mod scrape;
mod traces;
mod workers;

use prometheus::{Encoder, Gauge, IntCounter, IntCounterVec, IntGauge, Opts, TextEncoder};

pub use business::Business;
pub use coordination::Coordination;
pub use deliveries::{Deliveries, FetchMetrics, ProviderMetrics};
pub use exposition::Summary;
pub use families::Families;
pub use key_anomalies::{Anomaly, KeyAnomalies};
pub use open_metrics::OPEN_METRICS_MEDIA_TYPE;
pub use queries::{QueryDurations, QueryTimer};
pub use reconciliations::Reconciliations;
pub use reviews::Reviews;
pub use routes::{Child, Routes, UNMATCHED};
pub use scrape::Scrape;
pub use traces::Traces;
pub use workers::Workers;

/// Upper bounds of the duration buckets, in seconds.
pub const DURATION_BUCKETS_S: [f64; 13] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The commit that was built, in a build that knows it.
const REVISION: &str = match option_env!("REVISION") {
    Some(revision) if !revision.is_empty() => revision,
    Some(_) | None => "unknown",
};

/// Label values, which the caller supplies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels<'a> {
    /// Method and path pattern of every route that the router serves.
    pub routes: &'a [(&'a str, &'a str)],
    /// Names of the webhook providers.
    pub providers: &'a [&'a str],
    /// Reasons why a signature is rejected.
    pub rejections: &'a [&'a str],
    /// Kinds of reviews.
    pub review_kinds: &'a [&'a str],
}

/// A handle for each metric.
#[derive(Debug)]
pub struct Metrics {
    families: Families,
    process: process::Process,
    /// Requests by route, method and status.
    pub routes: Routes,
    /// Requests in progress.
    pub in_flight: IntGauge,
    /// Requests refused by the limit per client address.
    pub limited_by_address: IntCounter,
    /// Requests refused by the limit per IPv6 /48.
    pub limited_by_site: IntCounter,
    /// Requests refused by the limit per IPv6 /32.
    pub limited_by_allocation: IntCounter,
    /// Requests refused by the limit per API key.
    pub limited_by_key: IntCounter,
    /// Requests refused because too many of their API key were in progress.
    pub limited_by_key_concurrency: IntCounter,
    /// Requests that timed out.
    pub timeouts: IntCounter,
    /// Requests refused because too many were in progress.
    pub shed: IntCounter,
    /// Handlers that panicked.
    pub panics: IntCounter,
    /// Request heads rejected before routing.
    pub refused_heads: IntCounter,
    /// Requests without a credential.
    pub auth_missing: IntCounter,
    /// Requests with an invalid credential.
    pub auth_rejected: IntCounter,
    /// Requests with an invalid credential from a client that sent too many of them.
    pub auth_throttled: IntCounter,
    /// Requests whose key is valid, but lacks the required scope, or is used from another address.
    pub auth_forbidden: IntCounter,
    /// Requests whose key is known, but may have been revoked in a database that does not answer.
    pub auth_unchecked: IntCounter,
    /// Unusual uses of API keys.
    pub key_anomalies: KeyAnomalies,
    /// Active API keys.
    pub keys: IntGauge,
    /// Time since the database last said which of its API keys are valid.
    pub keys_unchecked_s: IntGauge,
    /// Reloads of the API keys that took effect.
    pub key_reloads: IntCounter,
    /// Reloads of the API keys that were rejected; the previous keys stay active.
    pub key_reload_failures: IntCounter,
    /// Requests refused because their network is banned.
    pub banned_requests: IntCounter,
    /// Networks that are banned.
    pub banned_networks: IntGauge,
    bans: IntCounterVec,
    /// Open connections.
    pub connections: IntGauge,
    /// Accepted connections.
    pub connections_accepted: IntCounter,
    /// Connections refused by the total limit.
    pub connections_refused_by_total: IntCounter,
    /// Connections refused by the limit per address.
    pub connections_refused_by_address: IntCounter,
    /// Deliveries refused by the limit per provider.
    pub limited_by_provider: IntCounter,
    /// Webhook deliveries.
    pub deliveries: Deliveries,
    /// Business figures.
    pub business: Business,
    /// 1 while books are read from the standby.
    pub standby_up: IntGauge,
    /// How far the standby is behind the primary.
    pub standby_behind_s: Gauge,
    /// Open reviews.
    pub reviews: Reviews,
    /// The latest reconciliation of each provider.
    pub reconciliations: Reconciliations,
    /// Redis, and the rate limits that nodes share through it.
    pub coordination: Coordination,
    /// Spans of traces.
    pub traces: Traces,
    /// Background workers.
    pub workers: Workers,
    /// Access log lines dropped because the output did not keep up.
    pub log_lines_dropped: IntCounter,
}

impl Metrics {
    /// Declares every metric.
    ///
    /// # Errors
    /// Two metrics have the same name, which is a bug.
    pub fn new(labels: Labels<'_>) -> Result<Self, prometheus::Error> {
        let families = Families::default();
        let build =
            opts("build_info", "Always 1; the labels are the version and the Git revision of this build");
        let build = build.const_label("version", env!("CARGO_PKG_VERSION")).const_label("revision", REVISION);
        families.declare(IntGauge::with_opts(build))?.set(1);
        cgroup::register(&families)?;
        let by = |name, help, label| families.counters(name, help, &[label]);
        let limited = by("http_rate_limited_total", "Requests refused by a rate limit", "policy")?;
        let auth = by("auth_failures_total", "Requests refused because of their credential", "outcome")?;
        let reloads = by("api_key_reloads_total", "Reloads of the API keys", "outcome")?;
        let refused = by("connections_refused_total", "Connections refused by a limit", "limit")?;
        Ok(Self {
            routes: Routes::new(&families, labels.routes)?,
            in_flight: families.gauge("http_requests_in_flight", "Requests in progress")?,
            limited_by_address: limited.with_label_values(&["address"]),
            limited_by_site: limited.with_label_values(&["site"]),
            limited_by_allocation: limited.with_label_values(&["allocation"]),
            limited_by_key: limited.with_label_values(&["key"]),
            limited_by_key_concurrency: limited.with_label_values(&["concurrency"]),
            limited_by_provider: limited.with_label_values(&["provider"]),
            deliveries: Deliveries::new(&families, labels)?,
            business: Business::new(&families)?,
            standby_up: families
                .gauge("database_standby_up", "1 while books are read from the standby; 0 without one")?,
            standby_behind_s: families.declare(Gauge::with_opts(opts(
                "database_standby_behind_seconds",
                "How far the standby was behind the primary at its last check, in seconds",
            )))?,
            reviews: Reviews::new(&families, labels)?,
            reconciliations: Reconciliations::new(&families, labels)?,
            coordination: Coordination::new(&families)?,
            traces: Traces::new(&families)?,
            workers: Workers::new(&families)?,
            timeouts: families.counter("http_timeouts_total", "Requests that timed out")?,
            shed: families
                .counter("http_shed_total", "Requests refused because too many were in progress")?,
            panics: families.counter("http_panics_total", "Handlers that panicked")?,
            refused_heads: families
                .counter("http_refused_heads_total", "Request heads rejected before routing")?,
            auth_missing: auth.with_label_values(&["missing"]),
            auth_rejected: auth.with_label_values(&["rejected"]),
            auth_throttled: auth.with_label_values(&["throttled"]),
            auth_forbidden: auth.with_label_values(&["forbidden"]),
            auth_unchecked: auth.with_label_values(&["unchecked"]),
            key_anomalies: KeyAnomalies::new(&families)?,
            keys: families.gauge("api_keys", "Active API keys")?,
            keys_unchecked_s: families.gauge(
                "api_keys_unchecked_seconds",
                "Time since the database last said which of its API keys are valid",
            )?,
            key_reloads: reloads.with_label_values(&["accepted"]),
            key_reload_failures: reloads.with_label_values(&["rejected"]),
            banned_requests: families
                .counter("http_banned_total", "Requests refused because their network is banned")?,
            banned_networks: families.gauge("banned_networks", "Networks that are banned")?,
            bans: families.counters(
                "bans_total",
                "Networks with enough offences for a ban; with BANS=observe none is banned",
                &["reason"],
            )?,
            connections: families.gauge("connections_open", "Open connections")?,
            connections_accepted: families.counter("connections_accepted_total", "Accepted connections")?,
            connections_refused_by_total: refused.with_label_values(&["total"]),
            connections_refused_by_address: refused.with_label_values(&["address"]),
            log_lines_dropped: families.counter("access_log_dropped_total", "Access log lines dropped")?,
            process: process::Process::new(&families)?,
            families,
        })
    }

    /// Bans for this reason.
    #[must_use]
    pub fn bans(&self, reason: &str) -> IntCounter {
        self.bans.with_label_values(&[reason])
    }

    /// The registry, for metrics that other crates declare.
    #[must_use]
    pub fn families(&self) -> &Families {
        &self.families
    }

    /// All metrics as OpenMetrics 1.0, with the trace of a recorded request for each bucket of response times.
    #[must_use]
    pub fn open_metrics(&self) -> String {
        self.process.refresh();
        open_metrics::encode(&self.families.gather(), &self.routes)
    }

    /// All metrics in the Prometheus text format 0.0.4, for `/metrics`.
    ///
    /// # Errors
    /// A metric cannot be encoded.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.process.refresh();
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.families.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The media type of [`Metrics::text`].
pub const TEXT_MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The options of a metric, with the prefix of the service.
fn opts(name: &str, help: &str) -> Opts {
    Opts::new(["investiq_", name].concat(), help)
}

#[cfg(test)]
mod tests;
