//! The layers of all route groups, in the order in which a request meets them.
//!
//! Each layer has a file of its own, and gets values from others only through the
//! [`RequestContext`](crate::request_context::RequestContext). The stacks are concrete types: `observe` is not boxed, and the
//! layers around a handler are boxed once, together with it.

pub(crate) mod access_log;
pub(crate) mod address_limit;
pub(crate) mod api_key;
pub(crate) mod around;
pub(crate) mod body_limit;
pub(crate) mod catch_panic;
pub(crate) mod client_address;
pub(crate) mod compression;
pub(crate) mod concurrency;
pub(crate) mod cors;
mod data_as_of;
pub(crate) mod hook;
pub(crate) mod limit_policy;
pub(crate) mod matched_route;
mod offences;
pub(crate) mod pending_limit;
pub(crate) mod problem_renderer;
pub(crate) mod request_id;
pub(crate) mod request_limit;
pub(crate) mod request_metrics;
mod request_span;
pub(crate) mod request_validation;
pub(crate) mod scope;
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
use coordination::SharedLimits;
use domain::{Provider, Scope};
use telemetry::access_log::AccessLog;
use telemetry::metrics::Metrics;
use telemetry::traces::Tracer;
use tower::{Layer, Service, ServiceBuilder};

use crate::auth_events::AuthEvents;
use crate::bans::Bans;
use crate::client_address::TrustedProxies;
use crate::direct_request::DirectRequests;
use crate::keys::AuthMode;
use crate::redaction::Redaction;

use access_log::LogAccess;
use address_limit::AddressLimit;
use api_key::ApiKeys;
use around::ResponseFuture;
use body_limit::BodyLimit;
use catch_panic::CatchPanic;
use client_address::ClientAddresses;
use compression::Compression;
use concurrency::Concurrency;
use cors::Cors;
use data_as_of::DataAsOf;
use hook::RequestHooks as _;
use matched_route::MatchedRoute;
use offences::CountOffences;
use problem_renderer::ProblemRenderer;
use request_id::RequestIds;
use request_limit::RequestLimit;
use request_metrics::RequestMetrics;
use request_span::RequestSpans;
use request_validation::RequestValidation;
use scope::RequireScope;
use security_headers::SecurityHeaders;
use sensitive_headers::SensitiveHeaders;
use timeout::Timeout;
use webhook_metrics::WebhookMetrics;

/// A service with the bounds that axum and the server require.
macro_rules! service {
    () => {
        impl Service<Request, Response = Response, Error = Infallible, Future = impl ResponseFuture + Send + 'static>
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
    /// Which requests need no API key where none is required.
    pub(crate) direct: DirectRequests,
    metrics: Arc<Metrics>,
    access_log: Arc<AccessLog>,
    auth_events: Arc<AuthEvents>,
    bans: Arc<Bans>,
    redaction: Redaction,
    request_ids: RequestIds,
    concurrency: Concurrency,
    api_keys: ApiKeys,
    request_limit: RequestLimit,
    webhook_concurrency: Concurrency,
    has_shared_limits: bool,
    provider_limits: [AddressLimit; Provider::ALL.len()],
}

impl Layers {
    pub(crate) fn new(
        config: Http,
        mode: AuthMode,
        metrics: Arc<Metrics>,
        access_log: Arc<AccessLog>,
        auth_events: Arc<AuthEvents>,
        bans: Arc<Bans>,
        shared: Option<SharedLimits>,
    ) -> Self {
        let redaction = Redaction::new(&mode);
        let direct = DirectRequests::new(&config.allowed_hosts);
        let failures_per_minute = config.auth_failures_per_minute;
        let api_keys = ApiKeys::new(
            mode,
            direct.clone(),
            failures_per_minute,
            Arc::clone(&metrics),
            Arc::clone(&auth_events),
            Arc::clone(&bans),
        );
        Self {
            request_ids: RequestIds::new(RequestSpans {
                redaction: redaction.clone(),
                ..RequestSpans::default()
            }),
            redaction,
            concurrency: Concurrency::new(config.requests_in_flight_max, Arc::clone(&metrics)),
            webhook_concurrency: Concurrency::new(config.requests_in_flight_max, Arc::clone(&metrics)),
            has_shared_limits: shared.is_some(),
            provider_limits: Provider::ALL.map(|provider| {
                let limit = config.webhooks.rate_limit;
                AddressLimit::for_provider(provider, limit, &metrics, shared.as_ref())
            }),
            request_limit: RequestLimit::new(
                api_keys.clone(),
                config.rate_limit,
                Arc::clone(&metrics),
                shared,
            ),
            api_keys,
            direct,
            config,
            proxies: bans.proxies().clone(),
            metrics,
            access_log,
            auth_events,
            bans,
        }
    }

    /// Traces requests.
    pub(crate) fn with_tracer(mut self, tracer: Tracer) -> Self {
        let (proxies, redaction) = (self.proxies.clone(), self.redaction.clone());
        self.request_ids = RequestIds::new(RequestSpans { tracer, proxies, redaction });
        self
    }

    /// Around everything, including refusals and panics.
    pub(crate) fn observe(&self, router: Router) -> service!() {
        let metrics = || Arc::clone(&self.metrics);
        // Around everything that makes responses, so that none is without them.
        let outer = SecurityHeaders { hsts: self.config.hsts }
            // Before anything could log a request.
            .then(SensitiveHeaders)
            // Before logs and limits, which must use the same address.
            .then(ClientAddresses { proxies: self.proxies.clone() })
            // Around metrics and problems, so that it logs the response as it is sent.
            .then(LogAccess { log: Arc::clone(&self.access_log), redaction: self.redaction.clone() })
            .then(RequestMetrics { metrics: metrics() })
            .then(CountOffences { bans: Arc::clone(&self.bans) })
            // Outside the panic catcher, because a panic becomes a problem, too.
            .then(ProblemRenderer { redaction: self.redaction.clone() });
        // Outside routing, because the router refuses a preflight with the methods of the path.
        let inner = Cors::new(self.config.allowed_origins.iter().cloned())
            // Directly before routing, so that an ambiguous target is not routed.
            .then(RequestValidation { metrics: metrics() });
        ServiceBuilder::new()
            // First, so that every log line and every response of a request has its id, and everything is in its span.
            .layer(around::layer(self.request_ids.clone()))
            .layer(hook::layer(outer))
            .layer(around::layer(CatchPanic { metrics: metrics() }))
            .layer(hook::layer(inner))
            // Resolved once: without its state, a router builds each route with all its layers for every request.
            .service(router.with_state(()))
    }

    /// Around every handler except those of probes and deliveries, and around the response to unknown paths.
    pub(crate) fn protect(&self, handler: service!()) -> service!() {
        // First inside the router, so that refusals have a route in logs and metrics.
        let admission = MatchedRoute
            // Before any work, and cheaper than it.
            .then(self.concurrency.clone());
        let limits = BodyLimit {
            bytes_max: self.config.body_bytes_max,
            frame_timeout: self.config.body_frame_timeout,
        }
        // Before a missing or invalid key is refused, so that guessing counts against the limit of the address.
        .then(self.request_limit.clone())
        // Inside every limit, because it takes time. Problems get their short bodies further out.
        .then(Compression);
        ServiceBuilder::new()
            .layer(hook::layer(admission))
            // Around the body, because reading it takes time, too.
            .layer(around::layer(self.timeout()))
            .layer(hook::layer(limits))
            // Directly inside the limits, for the few requests about which Redis decides.
            .layer(pending_limit::layer(self.has_shared_limits))
            .service(handler)
    }

    /// Around the handlers of the API, inside [`protect`](Self::protect). No stack checks a key without a scope, or a scope
    /// without a key.
    pub(crate) fn api(&self, scope: Scope, handler: service!()) -> service!() {
        let (metrics, events) = (Arc::clone(&self.metrics), Arc::clone(&self.auth_events));
        let authentication =
            self.api_keys.clone().then(RequireScope { scope, metrics, events }).then(DataAsOf);
        hook::layer(authentication).layer(handler)
    }

    /// Around the webhook handlers of this provider. They have limits of their own, so that neither a provider's burst nor
    /// a busy API starves the other, and no API key, because each delivery is signed.
    pub(crate) fn webhooks(&self, provider: Provider, handler: service!()) -> service!() {
        let admission = MatchedRoute
            // Around every limit, so that their refusals are counted for the provider.
            .then(WebhookMetrics { provider, metrics: Arc::clone(&self.metrics) })
            .then(self.webhook_concurrency.clone());
        let limits = BodyLimit {
            bytes_max: self.config.webhooks.body_bytes_max,
            frame_timeout: self.config.body_frame_timeout,
        }
        // Before the body is read, and long before a signature is verified.
        .then(self.provider_limits[provider as usize].clone());
        ServiceBuilder::new()
            .layer(hook::layer(admission))
            .layer(around::layer(self.timeout()))
            .layer(hook::layer(limits))
            // Directly inside the limits, for the few requests about which Redis decides.
            .layer(pending_limit::layer(self.has_shared_limits))
            .service(handler)
    }

    fn timeout(&self) -> Timeout {
        Timeout { limit: self.config.request_timeout, metrics: Arc::clone(&self.metrics) }
    }

    /// Around the handlers of probes: no limits, only the route for logs and metrics.
    pub(crate) fn probes(&self, handler: service!()) -> service!() {
        hook::layer(MatchedRoute).layer(handler)
    }

    /// Around the handlers of metrics that are open to the client: like probes, but long.
    pub(crate) fn open_metrics(&self, handler: service!()) -> service!() {
        hook::layer(MatchedRoute.then(Compression)).layer(handler)
    }
}

#[cfg(test)]
impl Layers {
    /// All layers without API keys, with high limits.
    pub(crate) fn without_keys(metrics: Arc<Metrics>) -> Self {
        let dropped = metrics.log_lines_dropped.clone();
        let (format, clock) = (telemetry::logs::Format::Json, telemetry::Clock::System);
        let log = AccessLog::start(format, clock, dropped, std::io::sink()).unwrap();
        let many = std::num::NonZeroU32::new(1000).unwrap();
        let rate_limit = rate_limit::Limit { per_minute: many, burst: many };
        let webhooks = config::WebhookLimits { body_bytes_max: 1_000_000, rate_limit };
        let http = config::load(&config::Environment::default()).unwrap().http;
        let http = Http { body_bytes_max: 4_000_000, rate_limit, webhooks, ..http };
        let bans = Arc::new(Bans::off(Arc::clone(&metrics)));
        Self::new(http, AuthMode::Open, metrics, Arc::new(log), Arc::default(), bans, None)
    }

    pub(crate) fn with_body_bytes_max(mut self, body_bytes_max: usize) -> Self {
        self.config.body_bytes_max = body_bytes_max;
        self
    }
}
