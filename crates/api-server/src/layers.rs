//! What every request passes, in order: the stacks of all route groups on one page.
//!
//! Each layer is a file of its own and knows the others only by what they write into the
//! [`RequestContext`](crate::request_context::RequestContext). The stacks are composed of concrete types, so the compiler
//! sees through them: `observe` is not boxed at all, and what is around a handler only once together with it, where axum
//! keeps a route.

pub(crate) mod access_log;
pub(crate) mod address_limit;
pub(crate) mod api_key;
pub(crate) mod body_limit;
pub(crate) mod catch_panic;
pub(crate) mod client_address;
pub(crate) mod compression;
pub(crate) mod concurrency;
pub(crate) mod cors;
pub(crate) mod hook;
pub(crate) mod key_limit;
pub(crate) mod limit_policy;
pub(crate) mod matched_route;
pub(crate) mod problem_renderer;
pub(crate) mod request_id;
pub(crate) mod request_metrics;
pub(crate) mod request_validation;
pub(crate) mod role;
pub(crate) mod security_headers;
pub(crate) mod sensitive_headers;
pub(crate) mod timeout;
pub(crate) mod webhook_metrics;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use config::Http;
use config::api_keys::Role;
use domain::Provider;
use telemetry::access_log::AccessLog;
use telemetry::metrics::Metrics;
use tower::{Service, ServiceBuilder};

use crate::client_address::TrustedProxies;
use crate::keys::AuthMode;

use access_log::LogAccess;
use address_limit::AddressLimit;
use api_key::ApiKeys;
use body_limit::BodyLimit;
use catch_panic::CatchPanic;
use client_address::ClientAddresses;
use compression::Compression;
use concurrency::Concurrency;
use cors::Cors;
use hook::layer;
use key_limit::KeyLimit;
use matched_route::MatchedRoute;
use problem_renderer::ProblemRenderer;
use request_id::RequestIds;
use request_metrics::RequestMetrics;
use request_validation::RequestValidation;
use role::RequireRole;
use security_headers::SecurityHeaders;
use sensitive_headers::SensitiveHeaders;
use timeout::Timeout;
use webhook_metrics::WebhookMetrics;

/// A layer around routes, and a service around the router: what axum and the server require of them.
macro_rules! service {
    () => {
        impl Service<Request, Response = Response, Error = Infallible, Future = impl Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static
    };
}

/// The layers with their shared state.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    config: Http,
    proxies: TrustedProxies,
    metrics: Arc<Metrics>,
    access_log: Arc<AccessLog>,
    request_ids: RequestIds,
    concurrency: Concurrency,
    address_limit: AddressLimit,
    api_keys: ApiKeys,
    key_limit: KeyLimit,
    webhook_concurrency: Concurrency,
    provider_limits: [AddressLimit; Provider::ALL.len()],
}

impl Layers {
    pub(crate) fn new(
        config: Http,
        proxies: TrustedProxies,
        mode: AuthMode,
        metrics: Arc<Metrics>,
        access_log: Arc<AccessLog>,
    ) -> Self {
        Self {
            request_ids: RequestIds::default(),
            concurrency: Concurrency::new(config.requests_in_flight_max, Arc::clone(&metrics)),
            address_limit: AddressLimit::for_api(config.rate_limit, &metrics),
            webhook_concurrency: Concurrency::new(config.requests_in_flight_max, Arc::clone(&metrics)),
            provider_limits: Provider::ALL
                .map(|_| AddressLimit::for_provider(config.webhooks.rate_limit, &metrics)),
            api_keys: ApiKeys::new(mode, config.auth_failures_per_minute, Arc::clone(&metrics)),
            key_limit: KeyLimit::new(config.rate_limit, Arc::clone(&metrics)),
            config,
            proxies,
            metrics,
            access_log,
        }
    }

    /// Around everything, refusals and panics included.
    pub(crate) fn observe(&self, router: Router) -> service!() {
        let metrics = || Arc::clone(&self.metrics);
        // Around everything that makes responses, so that none is without them.
        let outer = layer(SecurityHeaders { hsts: self.config.hsts })
            // Before anything could print a request.
            .then(SensitiveHeaders)
            // Before logs and limits, which must mean the same client.
            .then(ClientAddresses { proxies: self.proxies.clone() })
            // Around metrics and problems, so that it sees the response as it is sent.
            .then(LogAccess { log: Arc::clone(&self.access_log) })
            .then(RequestMetrics { metrics: metrics() })
            // Outside the panic catcher, because a panic becomes a problem, too.
            .then(ProblemRenderer);
        // Outside routing, because only there the refusal of a preflight lists the methods of the path.
        let inner = layer(Cors::new(self.config.allowed_origins.iter().cloned()))
            // Last before routing: a target that two parsers would read differently is not routed.
            .then(RequestValidation { metrics: metrics() });
        ServiceBuilder::new()
            // First, so that every log line of a request has its id, and every response, too.
            .layer(self.request_ids.clone())
            .layer(outer)
            .layer(CatchPanic { metrics: metrics() })
            .layer(inner)
            // Resolved once: a router without its state would build each route, layers and all, for every request.
            .service(router.with_state(()))
    }

    /// Around every handler except those of probes and deliveries, and around the response to unknown paths.
    pub(crate) fn protect(&self, handler: service!()) -> service!() {
        // First inside the router, so that refusals have a route in logs and metrics.
        let admission = layer(MatchedRoute)
            // Before work begins, and cheaper than any of it.
            .then(self.concurrency.clone());
        let limits = layer(BodyLimit {
            bytes_max: self.config.body_bytes_max,
            frame_timeout: self.config.body_frame_timeout,
        })
        // Before the key is checked: guessing counts against the limit.
        .then(self.address_limit.clone())
        // Inside every limit, because it takes time. Problems get their short bodies further out.
        .then(Compression);
        ServiceBuilder::new()
            .layer(admission)
            // Around the body, because reading it takes time, too.
            .layer(Timeout { limit: self.config.request_timeout, metrics: Arc::clone(&self.metrics) })
            .layer(limits)
            .service(handler)
    }

    /// Around the handlers of the API, inside [`protect`](Self::protect). No stack checks a key without a role, or a role
    /// without a key.
    pub(crate) fn api(&self, role: Role, handler: service!()) -> service!() {
        let authentication = layer(self.api_keys.clone())
            .then(RequireRole { role, metrics: Arc::clone(&self.metrics) })
            // Last, so that a caller without the role does not use up the limit of the key.
            .then(self.key_limit.clone());
        ServiceBuilder::new().layer(authentication).service(handler)
    }

    /// Around the webhook handlers of this provider. They have limits of their own, so that neither a provider's burst nor
    /// a busy API starves the other, and no API key, because each delivery is signed.
    pub(crate) fn webhooks(&self, provider: Provider, handler: service!()) -> service!() {
        let admission = layer(MatchedRoute)
            // Around every limit, so that what they refuse is counted for the provider.
            .then(WebhookMetrics { provider, metrics: Arc::clone(&self.metrics) })
            .then(self.webhook_concurrency.clone());
        let limits = layer(BodyLimit {
            bytes_max: self.config.webhooks.body_bytes_max,
            frame_timeout: self.config.body_frame_timeout,
        })
        // Before the body is read, and long before a signature is verified.
        .then(self.provider_limits[provider as usize].clone());
        ServiceBuilder::new()
            .layer(admission)
            .layer(Timeout { limit: self.config.request_timeout, metrics: Arc::clone(&self.metrics) })
            .layer(limits)
            .service(handler)
    }

    /// Around the handlers of probes: no limits, only the route for logs and metrics.
    pub(crate) fn probes(&self, handler: service!()) -> service!() {
        ServiceBuilder::new().layer(layer(MatchedRoute)).service(handler)
    }

    /// Around the handlers of metrics that are open to the client: like probes, but long.
    pub(crate) fn open_metrics(&self, handler: service!()) -> service!() {
        ServiceBuilder::new().layer(layer(MatchedRoute).then(Compression)).service(handler)
    }
}

#[cfg(test)]
impl Layers {
    /// Every layer except API keys, with wide limits.
    pub(crate) fn without_keys(metrics: Arc<Metrics>) -> Self {
        use std::time::Duration;

        let dropped = metrics.log_lines_dropped.clone();
        let (format, clock) = (telemetry::logs::Format::Json, telemetry::Clock::System);
        let log = AccessLog::start(format, clock, dropped, std::io::sink()).unwrap();
        let many = std::num::NonZeroU32::new(1000).unwrap();
        let rate_limit = rate_limit::Limit { per_minute: many, burst: many };
        let config = Http {
            hsts: false,
            allowed_origins: Vec::new(),
            requests_in_flight_max: 100,
            request_timeout: Duration::from_secs(30),
            body_bytes_max: 4_000_000,
            body_frame_timeout: Duration::from_secs(10),
            rate_limit,
            auth_failures_per_minute: 10,
            webhooks: config::WebhookLimits { body_bytes_max: 1_000_000, rate_limit },
        };
        Self::new(config, TrustedProxies::default(), AuthMode::Open, metrics, Arc::new(log))
    }

    pub(crate) fn with_body_bytes_max(mut self, body_bytes_max: usize) -> Self {
        self.config.body_bytes_max = body_bytes_max;
        self
    }
}
