//! Every metric of the service, declared together.
//!
//! The label values are known at the start: matched routes, methods, statuses. What alerts look at exists at zero before its
//! first event, counting takes no lookup by label, and no client can make more series than there are answers of ours.

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
pub use deliveries::{Deliveries, Fetches, Source};
pub use exposition::Summary;
pub use families::Families;
pub use routes::{Child, Routes, UNMATCHED};
pub use streams::Streams;
pub use workers::Workers;

/// Upper bounds of the duration buckets, in seconds.
pub const DURATION_BUCKETS_S: [f64; 13] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The metrics of the transport, with handles that are incremented where things happen.
#[derive(Debug)]
pub struct Metrics {
    families: Families,
    process: process::Process,
    /// Requests by route, method and status.
    pub routes: Routes,
    /// Requests that are being answered.
    pub in_flight: IntGauge,
    /// Requests refused by the limit of one address.
    pub limited_by_address: IntCounter,
    /// Requests refused by the limit of an IPv6 /48.
    pub limited_by_site: IntCounter,
    /// Requests refused by the limit of one key.
    pub limited_by_key: IntCounter,
    /// Requests that took too long.
    pub timeouts: IntCounter,
    /// Requests shed because too many were in flight.
    pub shed: IntCounter,
    /// Handlers that panicked.
    pub panics: IntCounter,
    /// Request heads that were refused before routing.
    pub refused_heads: IntCounter,
    /// Requests without a credential.
    pub auth_missing: IntCounter,
    /// Requests with a wrong credential.
    pub auth_rejected: IntCounter,
    /// Requests with a wrong credential after too many others.
    pub auth_throttled: IntCounter,
    /// Requests with a valid key that does not allow what was asked.
    pub auth_forbidden: IntCounter,
    /// API keys in force.
    pub keys: IntGauge,
    /// New values of the keys that came into force.
    pub key_reloads: IntCounter,
    /// New values of the keys that were not acceptable; the old ones stay.
    pub key_reload_failures: IntCounter,
    /// Open connections.
    pub connections: IntGauge,
    /// Accepted connections.
    pub connections_accepted: IntCounter,
    /// Connections closed at once because all together were too many.
    pub connections_over_total: IntCounter,
    /// Connections closed at once because one address had too many.
    pub connections_over_address: IntCounter,
    /// Deliveries refused by the limit of one source.
    pub limited_by_source: IntCounter,
    /// Deliveries of providers.
    pub deliveries: Deliveries,
    /// What the business looks at.
    pub business: Business,
    /// The broker's event streams.
    pub streams: Streams,
    /// Workers in the background.
    pub workers: Workers,
    /// Access log lines that were dropped because the output did not keep up.
    pub log_lines_dropped: IntCounter,
}

impl Metrics {
    /// Registers everything; `routes` are the pairs of method and path pattern that the router serves.
    ///
    /// # Errors
    /// Two metrics with one name, which is a fault in this file or in the caller's routes.
    pub fn new<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, prometheus::Error> {
        let families = Families::default();
        let declare = Declare { families: &families };
        declare.build_info()?;
        let limited =
            declare.counters("http_rate_limited_total", "Requests refused by a rate limit", "policy")?;
        let auth =
            declare.counters("auth_failures_total", "Requests refused for their credential", "outcome")?;
        let reloads = declare.counters("api_key_reloads_total", "New values of the API keys", "outcome")?;
        let over = declare.counters("connections_refused_total", "Connections refused at a cap", "cap")?;
        Ok(Self {
            routes: Routes::new(&declare, routes)?,
            in_flight: declare.gauge("http_requests_in_flight", "Requests that are being answered")?,
            limited_by_address: limited.with_label_values(&["address"]),
            limited_by_site: limited.with_label_values(&["site"]),
            limited_by_key: limited.with_label_values(&["key"]),
            limited_by_source: limited.with_label_values(&["source"]),
            deliveries: Deliveries::new(&declare)?,
            business: Business::new(&declare)?,
            streams: Streams::new(&declare)?,
            workers: Workers::new(&declare)?,
            timeouts: declare.counter("http_timeouts_total", "Requests that took too long")?,
            shed: declare.counter("http_shed_total", "Requests shed because too many were in flight")?,
            panics: declare.counter("http_panics_total", "Handlers that panicked")?,
            refused_heads: declare.counter("http_refused_heads_total", "Heads refused before routing")?,
            auth_missing: auth.with_label_values(&["missing"]),
            auth_rejected: auth.with_label_values(&["rejected"]),
            auth_throttled: auth.with_label_values(&["throttled"]),
            auth_forbidden: auth.with_label_values(&["forbidden"]),
            keys: declare.gauge("api_keys", "API keys in force")?,
            key_reloads: reloads.with_label_values(&["accepted"]),
            key_reload_failures: reloads.with_label_values(&["rejected"]),
            connections: declare.gauge("connections_open", "Open connections")?,
            connections_accepted: declare.counter("connections_accepted_total", "Accepted connections")?,
            connections_over_total: over.with_label_values(&["total"]),
            connections_over_address: over.with_label_values(&["address"]),
            log_lines_dropped: declare.counter("access_log_dropped_total", "Access log lines dropped")?,
            process: process::Process::new(&declare)?,
            families,
        })
    }

    /// Where other parts register their own metrics, under names with the same prefix.
    #[must_use]
    pub fn families(&self) -> &Families {
        &self.families
    }

    /// Everything in the text format 0.0.4, for `/metrics`.
    ///
    /// # Errors
    /// A metric that cannot be written.
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
        let opts = Self::opts("build_info", "Always 1; says which build this is");
        let info =
            self.register(IntGauge::with_opts(opts.const_label("version", env!("CARGO_PKG_VERSION"))))?;
        info.set(1);
        Ok(())
    }

    fn by_route(&self) -> Result<(IntCounterVec, HistogramVec), prometheus::Error> {
        let requests = Self::opts("http_requests_total", "Requests that were answered");
        let duration = HistogramOpts::from(Self::opts(
            "http_request_duration_seconds",
            "Time from the head of a request to the head of its answer",
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
