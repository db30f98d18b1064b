//! Builds the parts of the service from its configuration, in the order in which `main` needs them.

mod api_keys;
mod background;
pub(crate) mod dependency_metrics;
pub(crate) mod open_files;
pub(crate) mod runtime_metrics;
mod shared_responses;
mod storage;
mod traces;
mod vendor_key;
mod worker_setup;

use std::io;
use std::sync::Arc;

use ::secrets::SecretHandle;
use alpaca::{EventStreams, Stream};
use axum::Router;
use config::api_keys::KeyErrors;
use config::{Config, Credentials, CredentialsError};
use coordination::{Redis, SharedLimits, SharedValues};
use domain::Provider;
use intake::WebhookIntake;
use market_data::MarketData;
use market_data::polygon::SharedResponses;
use store::Store;
use telemetry::access_log::AccessLog;
use telemetry::metrics::{Labels, Metrics};
use telemetry::traces::Tracer;
use telemetry::{Clock, LogOutput};
use tokio_util::sync::CancellationToken;
use workers::{HealthRegistry, WorkerSupervisor};

use crate::auth_events::AuthEvents;
use crate::bans::Bans;
use crate::client_address::TrustedProxies;
use crate::handlers::docs::Pages;
use crate::heavy_work::HeavyWork;
use crate::indicator_cache::IndicatorCache;
use crate::keys::{AuthMode, AuthModeError, KeyRing, StoredKeyLoader, flush_uses};
use crate::layers::Layers;
use crate::response_cache::ResponseCache;
use crate::router::Parts;
use crate::state::{AdminState, Api, Exposition, Probes, WebhookState};
use crate::{openapi, router};
use dependency_metrics::Dependencies;
use runtime_metrics::ThisProcess;

use shared_responses::ThroughRedis;
use storage::AuditKeyFollower;
pub(crate) use storage::{Storage, open as storage};
use traces::TraceExport;

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("reading a secret failed")]
    Secret(#[from] ::secrets::Error),
    #[error(transparent)]
    Keys(#[from] KeyErrors),
    #[error(transparent)]
    AuthMode(#[from] AuthModeError),
    #[error(transparent)]
    MarketData(#[from] symbol_analysis::OpenError),
    #[error("parsing the compiled-in models failed")]
    Models(#[from] serde_json::Error),
    #[error("declaring the metrics failed")]
    Metrics(#[from] prometheus::Error),
    #[error("starting the access log failed")]
    AccessLog(#[source] io::Error),
    #[error("starting the threads that compute failed")]
    HeavyWork(#[source] io::Error),
    #[error("setting up the Alpaca event streams failed")]
    Streams(#[from] alpaca::BuildError),
    #[error("ALPACA_EVENTS_STREAMS is invalid")]
    Stream(#[from] alpaca::UnknownStream),
    #[error("setting up the statements of a provider failed")]
    Statements(#[from] reconciliation::Error),
    #[error(transparent)]
    Intake(#[from] intake::BuildError),
    #[error("setting up the export of traces failed")]
    Traces(#[source] reqwest::Error),
    #[error("reading random numbers from the operating system failed")]
    Random(#[from] getrandom::Error),
}

/// Everything that handles requests.
#[derive(Debug)]
pub(crate) struct Service {
    /// The routes within their layers; [`Layers::observe`] goes around them.
    pub(crate) router: Router,
    /// Those of the listener for metrics.
    pub(crate) metrics_router: Router,
    pub(crate) layers: Layers,
    pub(crate) metrics: Arc<Metrics>,
    /// To be closed at the end.
    pub(crate) access_log: Arc<AccessLog>,
    pub(crate) shutdown: CancellationToken,
    /// To be stopped at the end, if there are traces.
    pub(crate) trace_export: Option<TraceExport>,
    tracer: Tracer,
    auth_events: Arc<AuthEvents>,
    bans: Arc<Bans>,
    stored_keys: Option<Arc<StoredKeyLoader>>,
    mode: AuthMode,
    market_data: Arc<MarketData>,
    health: Arc<HealthRegistry>,
    keys: SecretHandle,
    polygon_key: SecretHandle,
    intake: Arc<WebhookIntake>,
    database_url: SecretHandle,
    audit_key: AuditKeyFollower,
    event_streams: Option<StreamsInUse>,
    statement_apis: Vec<reconciliation::Api>,
    shared_limits: Option<(Redis, SharedLimits)>,
}

/// Every metric, with the label values of this service.
pub(crate) fn metrics() -> Result<Metrics, prometheus::Error> {
    let routes = openapi::routes();
    let routes: Vec<(&str, &str)> = routes.iter().map(|(method, path)| (*method, path.as_str())).collect();
    Metrics::new(Labels {
        routes: &routes,
        providers: &Provider::ALL.map(Provider::as_str),
        rejections: &webhooks::Rejection::REASONS,
        review_kinds: &store::REVIEW_KINDS,
    })
}

pub(crate) fn trusted_proxies(config: &Config) -> TrustedProxies {
    TrustedProxies::new(config.trusted_proxies.iter().copied(), config.client_address_header)
}

pub(crate) fn service(
    config: &Config,
    credentials: &Credentials,
    storage: Storage,
    output: LogOutput,
) -> Result<Service, Error> {
    let metrics = Arc::new(metrics()?);
    let (tracer, trace_export) = traces::start(config, &metrics).map_err(Error::Traces)?;
    credentials.metrics.register(metrics.families(), &credentials.secrets)?;
    let keys = credentials.handle("api_keys", "api-server")?;
    let polygon_key = credentials.handle("polygon_api_key", "market-data")?;
    let Storage { store, url: database_url, audit_key, api_keys: in_database } = storage;
    let bootstrap = credentials.handle("admin_bootstrap_token", "api-server")?;
    let mode = api_keys::mode(config, (&keys, bootstrap), in_database, &metrics)?;
    let stored_keys = match &mode {
        AuthMode::Keys(ring) => {
            let loader = StoredKeyLoader::new(Arc::clone(ring), store.clone(), Arc::clone(&metrics));
            Some(Arc::new(loader))
        }
        AuthMode::Open => None,
    };
    let market_clock = Arc::new(|| Clock::System.now().as_millisecond());
    let redis = Redis::new(&config.redis, &credentials.secrets, &metrics)?;
    let shared_responses = shared_responses(redis.as_ref());
    let market_data = symbol_analysis::open(config, &polygon_key, market_clock, shared_responses)?;
    let market_data = Arc::new(market_data);
    let health = Arc::new(HealthRegistry::new(market_data.data_source()));
    let dropped = metrics.log_lines_dropped.clone();
    let access_log = AccessLog::start(config.logs.format, Clock::System, dropped, output.clone());
    let access_log = Arc::new(access_log.map_err(Error::AccessLog)?);
    let shutdown = CancellationToken::new();
    let settings = config.webhooks.providers.clone();
    let intake = {
        let (secrets, metrics) = (&credentials.secrets, Arc::clone(&metrics));
        Arc::new(WebhookIntake::new(settings, secrets, store.clone(), metrics, &config.proxy)?)
    };
    let auth_events = Arc::new(AuthEvents::default());
    let bans = {
        let (never, proxies) = (config.bans.never.clone(), trusted_proxies(config));
        Arc::new(Bans::new(config.bans.mode, never, proxies, Arc::clone(&metrics), Clock::System))
    };
    let shared_limits = shared_limits(config, redis)?;
    let limits = || shared_limits.as_ref().map(|(_, limits)| limits.clone());
    let layers = Layers::new(
        config.http.clone(),
        mode.clone(),
        Arc::clone(&metrics),
        Arc::clone(&access_log),
        Arc::clone(&auth_events),
        Arc::clone(&bans),
        limits(),
    )
    .with_tracer(tracer.clone());
    let response_cache = Arc::new(ResponseCache::new(config.response_cache));
    // The other half of the requests is for those that do not wait.
    let heavy_work =
        HeavyWork::new(Arc::clone(&metrics), config.http.rate_limit, config.http.requests_in_flight_max / 2);
    let heavy_work = heavy_work.map_err(Error::HeavyWork)?.with_shared_limits(limits());
    let event_streams = event_streams(config, credentials)?;
    let statement_apis = statement_apis(config, credentials)?;
    let dependencies = Dependencies {
        market_data: Arc::clone(&market_data),
        response_cache: Arc::clone(&response_cache),
        health: Arc::clone(&health),
        streams: event_streams.as_ref().map(|(streams, _)| Arc::clone(streams)),
        log_output: output,
    };
    dependencies.register(metrics.families())?;
    let process = ThisProcess {
        runtime: tokio::runtime::Handle::current(),
        store: store.clone(),
        config_hash: config.hash(),
        expected_nodes: config.expected_nodes,
    };
    process.register(metrics.families())?;
    let parts = Parts {
        api: Arc::new(Api {
            market_data: Arc::clone(&market_data),
            response_cache,
            indicators: IndicatorCache::new(),
            heavy_work,
            models: analysis::Models::bundled()?,
        }),
        probes: Probes { health: Arc::clone(&health), shutdown: shutdown.clone() },
        exposition: Exposition { metrics: Arc::clone(&metrics), store, access: config.metrics_access },
        pages: config.docs_enabled.then(|| Arc::new(Pages::new(&document(&mode)))),
        webhooks: Arc::new(WebhookState::new(
            Arc::clone(&intake),
            Clock::System,
            // The other half is for requests whose body has arrived.
            config.http.requests_in_flight_max / 2,
        )),
        admin: Arc::new(AdminState {
            intake: Arc::clone(&intake),
            clock: Clock::System,
            auth_events: Arc::clone(&auth_events),
            profile: config.profile,
            stored_keys: stored_keys.clone(),
            journal_approval_above: config.journal_approval_above,
        }),
    };
    let metrics_router = router::metrics_router(parts.probes.clone(), parts.exposition.clone(), &layers);
    let router = router::router(parts, &layers);
    Ok(Service {
        router,
        metrics_router,
        layers,
        metrics,
        access_log,
        shutdown,
        trace_export,
        tracer,
        auth_events,
        bans,
        stored_keys,
        mode,
        market_data,
        health,
        keys,
        polygon_key,
        intake,
        database_url,
        audit_key,
        event_streams,
        statement_apis,
        shared_limits,
    })
}

/// Limits that replicas share, if Redis is configured.
/// Where replicas share what the data vendor sends.
fn shared_responses(redis: Option<&Redis>) -> Option<Arc<dyn SharedResponses>> {
    let values = redis.cloned().map(SharedValues::new)?;
    Some(Arc::new(ThroughRedis(values)))
}

fn shared_limits(config: &Config, redis: Option<Redis>) -> Result<Option<(Redis, SharedLimits)>, Error> {
    let Some(redis) = redis else { return Ok(None) };
    let limits = SharedLimits::new(redis.clone(), config.expected_nodes)?;
    Ok(Some((redis, limits)))
}

/// The event streams of Alpaca, and which of them to read.
type StreamsInUse = (Arc<EventStreams>, Vec<Stream>);

fn event_streams(config: &Config, credentials: &Credentials) -> Result<Option<StreamsInUse>, Error> {
    let config::AlpacaEvents { enabled, base_url, streams } = &config.alpaca_events;
    if !enabled {
        return Ok(None);
    }
    let handle = |name| credentials.handle(name, "alpaca");
    let (id, secret) = (handle("alpaca_api_key")?, handle("alpaca_api_secret")?);
    // Loaded for each connection, so that a new pair needs no restart.
    let key = move || {
        let (id, secret) = (id.load().ok()?, secret.load().ok()?);
        alpaca::basic(id.value().expose_text()?, secret.value().expose_text()?)
    };
    let streams = streams.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
    let (base_url, proxy) = (base_url.clone(), config.proxy.clone());
    let settings = alpaca::Config { base_url, proxy, ..alpaca::Config::default() };
    let clock: alpaca::Clock = Arc::new(|| Clock::System.now().as_millisecond());
    Ok(Some((Arc::new(EventStreams::new(settings, Arc::new(key), clock)?), streams)))
}

/// The APIs of the providers whose API key is set.
fn statement_apis(
    config: &Config,
    credentials: &Credentials,
) -> Result<Vec<reconciliation::Api>, reconciliation::Error> {
    let apis =
        Provider::ALL.into_iter().map(|provider| reconciliation::Api::new(provider, config, credentials));
    apis.filter_map(Result::transpose).collect()
}

fn document(mode: &AuthMode) -> utoipa::openapi::OpenApi {
    if mode.is_open() { openapi::document_without_keys() } else { openapi::document() }
}

impl Service {
    /// Starts the background work. The workers of the returned supervisor apply stored events: stop them after the last request.
    pub(crate) fn start_background(&self, config: &Config, credentials: &Credentials) -> WorkerSupervisor {
        background::start(self, config, &credentials.secrets)
    }

    /// Gives back what this replica took of limits that replicas share, and leaves them.
    pub(crate) async fn leave_shared_limits(&self) {
        if let Some((_, limits)) = &self.shared_limits {
            limits.drain().await;
        }
    }

    /// The store, to be closed at the end.
    pub(crate) fn store(&self) -> &Store {
        &self.intake.store
    }

    /// Writes what was counted and is not written yet. Call it after the last request.
    pub(crate) async fn flush(&self) {
        self.auth_events.flush(self.store(), Clock::System.now()).await;
        if let Some(ring) = self.ring() {
            flush_uses(ring, self.store()).await;
        }
    }

    /// The API keys in use; `None` on an open server.
    fn ring(&self) -> Option<&Arc<KeyRing>> {
        match &self.mode {
            AuthMode::Keys(ring) => Some(ring),
            AuthMode::Open => None,
        }
    }
}

#[cfg(test)]
mod tests;
