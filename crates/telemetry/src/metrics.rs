//! Every metric of the service, declared together.
//!
//! Label values are known at the start: routes, methods, statuses, providers. Series that alerts use exist at zero before
//! their first event, counting needs no lookup by label, and no client can create a series.

mod business;
mod deliveries;
mod exposition;
mod families;
mod process;
mod routes;
mod streams;
mod workers;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, TextEncoder,
};

pub use business::Business;
pub use deliveries::{Deliveries, FetchMetrics, ProviderMetrics};
pub use exposition::Summary;
pub use families::Families;
pub use routes::{Child, Routes, UNMATCHED};
pub use streams::{StreamStatus, Streams};
pub use workers::Workers;

/// Upper bounds of the duration buckets, in seconds.
pub const DURATION_BUCKETS_S: [f64; 13] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The label values that other crates know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels<'a> {
    /// Method and path pattern of every route that the router serves.
    pub routes: &'a [(&'a str, &'a str)],
    /// Names of the webhook providers.
    pub providers: &'a [&'a str],
    /// Reasons for which the signature of a delivery is rejected.
    pub rejections: &'a [&'a str],
    /// Names of the broker's event streams.
    pub streams: &'a [&'a str],
}

/// Every metric, with handles that are incremented where things happen.
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
    /// Requests refused by the limit per API key.
    pub limited_by_key: IntCounter,
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
    /// Requests whose key is valid, but lacks the required role.
    pub auth_forbidden: IntCounter,
    /// Active API keys.
    pub keys: IntGauge,
    /// Reloads of the API keys that took effect.
    pub key_reloads: IntCounter,
    /// Reloads of the API keys that were rejected; the previous keys stay active.
    pub key_reload_failures: IntCounter,
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
    /// The broker's event streams.
    pub streams: Streams,
    /// Background workers.
    pub workers: Workers,
    /// Access log lines dropped because the output did not keep up.
    pub log_lines_dropped: IntCounter,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// Two metrics with one name, which is a fault in this file or in the caller's routes.
    pub fn new(labels: Labels<'_>) -> Result<Self, prometheus::Error> {
        let families = Families::default();
        let declare = Declare { families: &families };
        declare.build_info()?;
        let limited =
            declare.counters("http_rate_limited_total", "Requests refused by a rate limit", "policy")?;
        let auth = declare.counters(
            "auth_failures_total",
            "Requests refused because of their credential",
            "outcome",
        )?;
        let reloads = declare.counters("api_key_reloads_total", "Reloads of the API keys", "outcome")?;
        let refused =
            declare.counters("connections_refused_total", "Connections refused by a limit", "limit")?;
        Ok(Self {
            routes: Routes::new(&declare, labels.routes)?,
            in_flight: declare.gauge("http_requests_in_flight", "Requests in progress")?,
            limited_by_address: limited.with_label_values(&["address"]),
            limited_by_site: limited.with_label_values(&["site"]),
            limited_by_key: limited.with_label_values(&["key"]),
            limited_by_provider: limited.with_label_values(&["provider"]),
            deliveries: Deliveries::new(&declare, labels)?,
            business: Business::new(&declare)?,
            streams: Streams::new(&declare, labels.streams)?,
            workers: Workers::new(&declare)?,
            timeouts: declare.counter("http_timeouts_total", "Requests that timed out")?,
            shed: declare.counter("http_shed_total", "Requests refused because too many were in progress")?,
            panics: declare.counter("http_panics_total", "Handlers that panicked")?,
            refused_heads: declare
                .counter("http_refused_heads_total", "Request heads rejected before routing")?,
            auth_missing: auth.with_label_values(&["missing"]),
            auth_rejected: auth.with_label_values(&["rejected"]),
            auth_throttled: auth.with_label_values(&["throttled"]),
            auth_forbidden: auth.with_label_values(&["forbidden"]),
            keys: declare.gauge("api_keys", "Active API keys")?,
            key_reloads: reloads.with_label_values(&["accepted"]),
            key_reload_failures: reloads.with_label_values(&["rejected"]),
            connections: declare.gauge("connections_open", "Open connections")?,
            connections_accepted: declare.counter("connections_accepted_total", "Accepted connections")?,
            connections_refused_by_total: refused.with_label_values(&["total"]),
            connections_refused_by_address: refused.with_label_values(&["address"]),
            log_lines_dropped: declare.counter("access_log_dropped_total", "Access log lines dropped")?,
            process: process::Process::new(&declare)?,
            families,
        })
    }

    /// The registry, for metrics that other crates declare.
    #[must_use]
    pub fn families(&self) -> &Families {
        &self.families
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

/// Declares metrics with the common prefix.
struct Declare<'a> {
    families: &'a Families,
}

impl Declare<'_> {
    fn opts(name: &str, help: &str) -> Opts {
        Opts::new(["investiq_", name].concat(), help)
    }

    fn register<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: Result<C, prometheus::Error>,
    ) -> Result<C, prometheus::Error> {
        let metric = metric?;
        self.families.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.register(IntCounter::with_opts(Self::opts(name, help)))
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.register(IntGauge::with_opts(Self::opts(name, help)))
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, prometheus::Error> {
        self.register(IntCounterVec::new(Self::opts(name, help), &[label]))
    }

    fn build_info(&self) -> Result<(), prometheus::Error> {
        let opts = Self::opts("build_info", "Always 1; the label is the version of this build");
        let info =
            self.register(IntGauge::with_opts(opts.const_label("version", env!("CARGO_PKG_VERSION"))))?;
        info.set(1);
        Ok(())
    }

    fn by_route(&self) -> Result<(IntCounterVec, HistogramVec), prometheus::Error> {
        let requests = Self::opts("http_requests_total", "Requests answered");
        let duration = HistogramOpts::from(Self::opts(
            "http_request_duration_seconds",
            "Time from the request head to the response head",
        ));
        let duration = duration.buckets(DURATION_BUCKETS_S.to_vec());
        Ok((
            self.register(IntCounterVec::new(requests, &["route", "method", "status"]))?,
            self.register(HistogramVec::new(duration, &["route", "method"]))?,
        ))
    }
}

#[cfg(test)]
mod tests;
