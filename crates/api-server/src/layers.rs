//! What every request meets, in the order in which it meets it: three stacks on one page.
//!
//! Each layer is a file of its own and knows nothing of the others but what they find out about an [`exchange`]. The
//! stacks are composed of concrete types, so the compiler sees through them: `observe` is not boxed at all, and what is
//! around a handler only once together with it, where axum keeps a route.

pub mod access_log;
pub mod api_key;
pub mod body_limit;
pub mod client_address;
pub mod concurrency;
pub mod cors;
pub mod delivery_metrics;
pub mod exchange;
pub mod form;
pub mod key_limit;
pub mod matched_route;
pub mod panics;
pub mod problems;
pub mod rate_limit;
pub mod request_id;
pub mod request_metrics;
pub mod role;
pub mod security_headers;
pub mod sensitive_headers;
pub mod step;
pub mod timeout;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use domain::Provider;
use http::HeaderValue;
use tower::{Service, ServiceBuilder};

use crate::client_address::TrustedProxies;
use crate::keys::{AuthMode, Role};
use crate::metrics::Metrics;

use access_log::{AccessLog, LogAccess};
use api_key::ApiKeys;
use body_limit::BodyLimit;
use client_address::ClientAddresses;
use concurrency::Concurrency;
use cors::Cors;
use delivery_metrics::DeliveryMetrics;
use form::Form;
use key_limit::KeyLimit;
use matched_route::MatchedRoute;
use panics::Panics;
use problems::Problems;
use rate_limit::AddressLimit;
use request_id::RequestIds;
use request_metrics::RequestMetrics;
use role::Require;
use security_headers::SecurityHeaders;
use sensitive_headers::SensitiveHeaders;
use step::layer;
use timeout::Timeout;

/// How the layers behave.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether browsers are told to use TLS only.
    pub hsts: bool,
    /// Whose forwarded headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Origins whose pages may read answers.
    pub allowed_origins: Vec<HeaderValue>,
    /// Most requests that are handled at once.
    pub requests_in_flight_max: usize,
    /// Longest time for an answer.
    pub request_timeout: Duration,
    /// Most bytes of a request body.
    pub body_bytes_max: usize,
    /// Longest wait for the next bytes of a request body.
    pub body_frame_timeout: Duration,
    /// How often one client may ask, by address and by key.
    pub rate_limit: rate_limit::Config,
    /// Wrong keys of one client in a minute that are answered at once.
    pub auth_failures_per_minute: u32,
    /// What deliveries of providers meet in place of the API's limits.
    pub deliveries: Deliveries,
}

/// The limits of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Deliveries {
    /// Most bytes of a body.
    pub body_bytes_max: usize,
    /// How often one client may deliver for one source.
    pub rate_limit: rate_limit::Config,
}

/// A layer around routes, and a service around the router: what axum and the server ask of them.
macro_rules! service {
    () => {
        impl Service<Request, Response = Response, Error = Infallible, Future = impl Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static
    };
}

/// The layers with the state that they share.
#[derive(Clone, Debug)]
pub struct Layers {
    config: Config,
    metrics: Arc<Metrics>,
    access_log: Arc<AccessLog>,
    request_ids: RequestIds,
    concurrency: Concurrency,
    address_limit: AddressLimit,
    api_keys: ApiKeys,
    deliveries: Concurrency,
    source_limits: [AddressLimit; 3],
}

impl Layers {
    /// Layers with fresh state.
    #[must_use]
    pub fn new(config: Config, mode: AuthMode, metrics: Arc<Metrics>, access_log: Arc<AccessLog>) -> Self {
        Self {
            request_ids: RequestIds::default(),
            concurrency: Concurrency::new(config.requests_in_flight_max, Arc::clone(&metrics)),
            address_limit: AddressLimit::new(config.rate_limit, &metrics),
            deliveries: Concurrency::new(config.requests_in_flight_max, Arc::clone(&metrics)),
            source_limits: Provider::ALL
                .map(|_| AddressLimit::of_source(config.deliveries.rate_limit, &metrics)),
            api_keys: ApiKeys::new(mode, config.auth_failures_per_minute, Arc::clone(&metrics)),
            config,
            metrics,
            access_log,
        }
    }

    /// Around everything, refusals and panics included.
    pub fn observe(&self, router: Router) -> service!() {
        let metrics = || Arc::clone(&self.metrics);
        // Around everything that makes answers, so that no answer is without them.
        let observed = layer(SecurityHeaders { hsts: self.config.hsts })
            // Before anything could print a request.
            .then(SensitiveHeaders)
            // Before logs and limits, which must speak of the same client.
            .then(ClientAddresses { proxies: self.config.trusted_proxies.clone() })
            // Around metrics and problems, so that it sees the answer as it is sent.
            .then(LogAccess { log: Arc::clone(&self.access_log) })
            .then(RequestMetrics { metrics: metrics() })
            // Outside the panic catcher, because a panic is a problem to be written too.
            .then(Problems);
        // Outside routing, because only there the refusal of a preflight says which methods the path serves.
        let routable = layer(Cors::new(self.config.allowed_origins.iter().cloned()))
            // Last before routing: a request of a form that two readers would read differently is not routed.
            .then(Form { metrics: metrics() });
        ServiceBuilder::new()
            // First, so that every log line of a request has its id, and every answer too.
            .layer(self.request_ids.clone())
            .layer(observed)
            .layer(Panics { metrics: metrics() })
            .layer(routable)
            // Resolved once: a router without its state would build each route, layers and all, for every request.
            .service(router.with_state(()))
    }

    /// Around every handler but those of probes, and around the answer of unknown paths.
    pub fn protect(&self, handler: service!()) -> service!() {
        // First inside the router, so that refusals have a route in logs and metrics.
        let admitted = layer(MatchedRoute)
            // Before work begins, and cheaper than any of it.
            .then(self.concurrency.clone());
        let limited = layer(BodyLimit {
            bytes_max: self.config.body_bytes_max,
            frame_timeout: self.config.body_frame_timeout,
        })
        // Before any credential is looked at: a guess costs its share of the limit.
        .then(self.address_limit.clone());
        ServiceBuilder::new()
            .layer(admitted)
            // Around the body, because reading it takes time too.
            .layer(Timeout { limit: self.config.request_timeout, metrics: Arc::clone(&self.metrics) })
            .layer(limited)
            .service(handler)
    }

    /// Around the handlers of the API, within [`protect`](Self::protect). There is no stack that checks a key without
    /// a role, or a role without a key.
    pub fn api(&self, role: Role, handler: service!()) -> service!() {
        let keyed = layer(self.api_keys.clone())
            .then(Require { role, metrics: Arc::clone(&self.metrics) })
            // Last, so that a caller without the role does not use up the limit of the key.
            .then(KeyLimit { metrics: Arc::clone(&self.metrics) });
        ServiceBuilder::new().layer(keyed).service(handler)
    }

    /// Around the handlers that take deliveries of this source: limits of their own, so that neither a provider's burst nor a
    /// busy API takes the other's place, and no key, because a delivery proves itself.
    pub fn deliveries(&self, source: Provider, handler: service!()) -> service!() {
        let admitted = layer(MatchedRoute)
            // Around every limit, so that what they refuse is counted for the source.
            .then(DeliveryMetrics { source, metrics: Arc::clone(&self.metrics) })
            .then(self.deliveries.clone());
        let limited = layer(BodyLimit {
            bytes_max: self.config.deliveries.body_bytes_max,
            frame_timeout: self.config.body_frame_timeout,
        })
        // Before the body is read, and long before a signature is checked.
        .then(self.source_limit(source).clone());
        ServiceBuilder::new()
            .layer(admitted)
            .layer(Timeout { limit: self.config.request_timeout, metrics: Arc::clone(&self.metrics) })
            .layer(limited)
            .service(handler)
    }

    fn source_limit(&self, source: Provider) -> &AddressLimit {
        let [alpaca, bridge, circle] = &self.source_limits;
        match source {
            Provider::Alpaca => alpaca,
            Provider::Bridge => bridge,
            Provider::Circle => circle,
        }
    }

    /// Around the handlers of probes: no limits, only the route for logs and metrics.
    pub fn probes(&self, handler: service!()) -> service!() {
        ServiceBuilder::new().layer(layer(MatchedRoute)).service(handler)
    }
}

#[cfg(test)]
impl Layers {
    /// Every layer but keys, with wide limits.
    pub(crate) fn without_keys(metrics: Arc<Metrics>) -> Self {
        let dropped = metrics.log_lines_dropped.clone();
        let (format, clock) = (access_log::Format::Json, crate::clock::Clock::System);
        let log = AccessLog::start(format, clock, dropped, std::io::sink()).unwrap();
        let many = std::num::NonZeroU32::new(1000).unwrap();
        let config = Config {
            hsts: false,
            trusted_proxies: TrustedProxies::default(),
            allowed_origins: Vec::new(),
            requests_in_flight_max: 100,
            request_timeout: Duration::from_secs(30),
            body_bytes_max: 4_000_000,
            body_frame_timeout: Duration::from_secs(10),
            rate_limit: rate_limit::Config { per_minute: many, burst: many },
            auth_failures_per_minute: 10,
            deliveries: Deliveries {
                body_bytes_max: 1_000_000,
                rate_limit: rate_limit::Config { per_minute: many, burst: many },
            },
        };
        Self::new(config, AuthMode::Open, metrics, Arc::new(log))
    }

    pub(crate) fn with_body_bytes_max(mut self, body_bytes_max: usize) -> Self {
        self.config.body_bytes_max = body_bytes_max;
        self
    }
}
