//! Builds the parts of the service from its configuration, in the order in which `main` needs them.

pub mod audit_key;
mod authentication;
mod background;
mod crew;
mod deliveries;
mod secrets;
mod storage;
mod vendor_key;

use std::io;
use std::sync::Arc;

use ::secrets::SecretHandle;
use axum::Router;
use market_data::MarketData;
use store::Store;

use crate::answers::Answers;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::deliveries::Desk;
use crate::handlers::deliveries::Reception;
use crate::handlers::docs::{Keys, Pages};
use crate::keys::{AuthMode, Faults, KeyRing, NotSafe};
use crate::layers::Layers;
use crate::layers::access_log::AccessLog;
use crate::metrics::Metrics;
use crate::serve::Draining;
use crate::source_metrics::SourceMetrics;
use crate::state::{Api, Books, Exposition, Parts, Probes};
use crate::{router, workers};

pub(crate) use deliveries::desk;
pub use secrets::{Found as FoundSecrets, find as secrets};
pub use storage::{Storage, StorageError, open as storage, url as database_url};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret is missing or not acceptable.
    #[error("look for the secrets: {0}")]
    Secrets(::secrets::Problems),
    /// A secret that the code asks for is not declared.
    #[error("look for a secret")]
    Secret(#[source] ::secrets::Error),
    /// The keys are not acceptable.
    #[error(transparent)]
    Keys(#[from] Faults),
    /// Without keys it would be open to others.
    #[error(transparent)]
    NotSafe(#[from] NotSafe),
    /// The directory of bars cannot be read.
    #[error("open MARKET_DATA_DIR")]
    Directory(#[from] market_data::csv_directory::OpenError),
    /// The vendor's client cannot be built.
    #[error("set up the client of Polygon")]
    Vendor(#[from] market_data::polygon::BuildError),
    /// The models of this build cannot be read.
    #[error("read the compiled-in models")]
    Models(#[from] serde_json::Error),
    /// Two metrics have one name.
    #[error("declare the metrics")]
    Metrics(#[from] prometheus::Error),
    /// The access log has no thread.
    #[error("start the access log")]
    AccessLog(#[source] io::Error),
    /// The client of the broker's event streams cannot be built.
    #[error("set up the event streams of Alpaca")]
    Streams(#[from] alpaca::BuildError),
    /// What proves deliveries cannot be fetched.
    #[error("set up the client that fetches keys of providers")]
    Fetcher(#[source] reqwest::Error),
    /// The trusted roots of this build cannot be read.
    #[error("read the compiled-in certificates of Amazon")]
    Trust(#[source] webhooks::circle::sns::TrustError),
    /// The topics are no list.
    #[error("read CIRCLE_SNS_TOPICS")]
    Topics(#[source] webhooks::circle::sns::TopicError),
}

/// Everything that answers requests.
#[derive(Debug)]
pub struct Service {
    /// The routes within their layers; [`Layers::observe`] goes around them.
    pub router: Router,
    /// The layers.
    pub layers: Layers,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where requests are logged; to be closed at the end.
    pub access_log: Arc<AccessLog>,
    /// Whether the service is on its way down.
    pub draining: Draining,
    mode: AuthMode,
    market_data: Arc<MarketData>,
    board: Arc<workers::Board>,
    keys: SecretHandle,
    polygon_key: SecretHandle,
    desk: Arc<Desk>,
    database_url: SecretHandle,
    inflow: Option<Arc<alpaca::EventStreams>>,
}

/// Builds everything that answers requests.
///
/// # Errors
/// The first part that cannot be built, or that would not be safe.
pub fn service(config: &Config, found: &FoundSecrets, storage: Storage) -> Result<Service, Error> {
    let metrics = Arc::new(Metrics::new(router::ROUTES)?);
    found.metrics.register(metrics.families(), &found.secrets)?;
    let keys = found.secrets.handle("api_keys", "api-server").map_err(Error::Secret)?;
    let polygon_key = found.secrets.handle("polygon_api_key", "market-data").map_err(Error::Secret)?;
    let mode = authentication::mode(config, &keys, &metrics)?;
    let market_data = Arc::new(market_data(config, &polygon_key)?);
    let board = Arc::new(workers::Board::new(market_data.data_source()));
    let dropped = metrics.log_lines_dropped.clone();
    let access_log = AccessLog::start(config.logs.format, Clock::System, dropped, io::stdout());
    let access_log = Arc::new(access_log.map_err(Error::AccessLog)?);
    let draining = Draining::default();
    let Storage { store, url: database_url } = storage;
    let desk = Arc::new(desk(config, found, store, &metrics)?);
    let layers =
        Layers::new(config.layers.clone(), mode.clone(), Arc::clone(&metrics), Arc::clone(&access_log));
    let answers = Arc::new(Answers::new(config.answers));
    let sources = SourceMetrics::new(Arc::clone(&market_data), Arc::clone(&answers), Arc::clone(&board))?;
    metrics.families().register(Box::new(sources))?;
    let parts = Parts {
        api: Api {
            market_data: Arc::clone(&market_data),
            answers,
            models: Arc::new(analysis::Models::bundled()?),
        },
        probes: Probes { board: Arc::clone(&board), draining: draining.clone() },
        exposition: Exposition {
            metrics: Arc::clone(&metrics),
            store: desk.store.clone(),
            access: config.metrics_access,
        },
        pages: config.docs_enabled.then(|| Arc::new(Pages::new(documented_keys(&mode)))),
        reception: Arc::new(Reception::new(
            Arc::clone(&desk),
            Clock::System,
            // The other half is for those whose body is here.
            config.layers.requests_in_flight_max / 2,
        )),
        books: Arc::new(Books {
            desk: Arc::clone(&desk),
            retention: config.deliveries.retention,
            clock: Clock::System,
        }),
    };
    let router = router::router(parts, &layers);
    Ok(Service {
        router,
        layers,
        metrics,
        access_log,
        draining,
        mode,
        market_data,
        board,
        keys,
        polygon_key,
        desk,
        database_url,
        inflow: inflow(config, found)?,
    })
}

/// The broker's event streams, where they are to be read.
fn inflow(config: &Config, found: &FoundSecrets) -> Result<Option<Arc<alpaca::EventStreams>>, Error> {
    let config::AlpacaEvents { enabled, base_url, .. } = &config.alpaca_events;
    if !enabled {
        return Ok(None);
    }
    let handle = |name| found.secrets.handle(name, "alpaca").map_err(Error::Secret);
    let (id, secret) = (handle("alpaca_api_key")?, handle("alpaca_api_secret")?);
    // Asked for at each connection, so that a new pair needs no restart.
    let key = move || {
        let (id, secret) = (id.load().ok()?, secret.load().ok()?);
        alpaca::basic(id.value().expose_text()?, secret.value().expose_text()?)
    };
    let streams = alpaca::Config { base_url: base_url.clone(), ..alpaca::Config::default() };
    let clock: alpaca::Clock = Arc::new(|| Clock::System.now().as_millisecond());
    Ok(Some(Arc::new(alpaca::EventStreams::new(streams, Arc::new(key), clock)?)))
}

fn documented_keys(mode: &AuthMode) -> Keys {
    if mode.is_open() { Keys::NotNeeded } else { Keys::Demanded }
}

/// The vendor when its key is found, else one's own files, else the bundled sample.
fn market_data(config: &Config, key: &SecretHandle) -> Result<MarketData, Error> {
    let clock: market_data::Clock = Arc::new(|| Clock::System.now().as_millisecond());
    let config::MarketData { directory, polygon } = &config.market_data;
    match directory {
        _ if key.load().is_ok() => {
            if directory.is_some() {
                tracing::warn!("MARKET_DATA_DIR is set and has no effect: POLYGON_API_KEY is found");
            }
            // Asked for at each call, so that a new key needs no restart.
            let key = key.clone();
            let bearer = move || {
                let set = key.load().ok()?;
                market_data::polygon::bearer(set.value().expose_text()?)
            };
            Ok(MarketData::polygon(polygon.clone(), Arc::new(bearer), clock)?)
        }
        Some(directory) => Ok(MarketData::csv_directory(directory, clock)?),
        None => Ok(MarketData::bundled()),
    }
}

impl Service {
    /// Starts the work in the background. Most of it ends when the service drains; the crew that is given back works on
    /// what is kept, and is to be stopped when no request can add to it.
    #[must_use]
    pub fn start_background(&self, config: &Config, found: &FoundSecrets) -> workers::Crew {
        background::start(self, config, &found.secrets)
    }

    /// Everything that is kept; to be closed at the end.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.desk.store
    }

    /// The keys in force; `None` on an open server.
    fn ring(&self) -> Option<&Arc<KeyRing>> {
        match &self.mode {
            AuthMode::Keys(ring) => Some(ring),
            AuthMode::Open => None,
        }
    }
}
