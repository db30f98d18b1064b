//! The source of market data that the settings name.

use std::sync::Arc;

use config::Config;
use market_data::polygon::SharedResponses;
use market_data::{CacheConfig, Clock, MarketData, csv_directory, polygon};
use secrets::SecretHandle;

/// The source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory of CSV files cannot be listed.
    #[error("opening MARKET_DATA_DIR failed")]
    Directory(#[from] csv_directory::OpenError),
    /// The settings of Polygon cannot be used.
    #[error("setting up the Polygon client failed")]
    Vendor(#[from] polygon::BuildError),
}

/// Where replicas share the responses of the vendor is `shared`, if they do. The source is Polygon if its key is set, else the directory of CSV files, else the bundled sample.
///
/// # Errors
/// The source cannot be used.
pub fn open(
    config: &Config,
    key: &SecretHandle,
    clock: Clock,
    shared: Option<Arc<dyn SharedResponses>>,
) -> Result<MarketData, OpenError> {
    let directory = &config.market_data.directory;
    match directory {
        _ if key.load().is_ok() => {
            if directory.is_some() {
                tracing::warn!("MARKET_DATA_DIR is set and has no effect: POLYGON_API_KEY is set");
            }
            // Loaded for each call, so that a new key needs no restart.
            let key = key.clone();
            let bearer = move || {
                let set = key.load().ok()?;
                polygon::bearer(set.value().expose_text()?)
            };
            let config = polygon::Config { shared, ..polygon_config(config) };
            Ok(MarketData::polygon(config, Arc::new(bearer), clock)?)
        }
        Some(directory) => Ok(MarketData::csv_directory(directory, clock)?),
        None => Ok(MarketData::bundled()),
    }
}

fn polygon_config(config: &Config) -> polygon::Config {
    let settings = &config.market_data.polygon;
    let default = polygon::Config::default();
    polygon::Config {
        base_url: settings.base_url.clone(),
        proxy: config.proxy.clone(),
        calls_per_minute: settings.calls_per_minute,
        calls_in_flight_max: settings.calls_in_flight_max,
        call_timeout: settings.call_timeout,
        history_days: settings.history_days,
        cache: CacheConfig {
            fresh_for: settings.fresh_for,
            stale_for: settings.stale_for,
            symbols_max: settings.symbols_max,
            ..default.cache
        },
        ..default
    }
}
