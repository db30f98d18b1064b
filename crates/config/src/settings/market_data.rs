//! The settings of market data.

use std::path::PathBuf;
use std::time::Duration;

use outbound::BaseUrl;

use super::parse;

settings! { read =>
    /// The source of bars.
    #[derive(Clone, Debug)]
    pub struct MarketData {
        /// A directory of CSV files that replaces the bundled sample.
        directory: Option<PathBuf> =
            read.get("market_data.directory", "MARKET_DATA_DIR").optional(parse::directory);
        /// The vendor, used if its key is set.
        polygon: Polygon = Polygon::load(read);
    }
}

settings! { read =>
    /// The vendor of market data.
    #[derive(Clone, Debug)]
    pub struct Polygon {
        /// Scheme, host and port of the API.
        base_url: BaseUrl =
            read.get("market_data.polygon.base_url", "POLYGON_BASE_URL")
                .required(parse::placeholder_url(), parse::url);
        /// Calls in any 60 seconds.
        calls_per_minute: u32 =
            read.get("market_data.polygon.calls_per_minute", "POLYGON_RATE_LIMIT").number(1..=1_000_000);
        /// Calls in progress at once.
        calls_in_flight_max: u32 =
            read.get("market_data.polygon.calls_in_flight_max", "POLYGON_MAX_CONCURRENT").number(1..=1_000);
        /// Longest time for a call with all its retries.
        call_timeout: Duration =
            read.get("market_data.polygon.timeout_s", "POLYGON_TIMEOUT_SECS").seconds(1..=120);
        /// Days of history to fetch.
        history_days: u32 =
            read.get("market_data.polygon.history_days", "POLYGON_HISTORY_DAYS").number(30..=20_000);
        /// Age up to which cached data is fresh.
        fresh_for: Duration =
            read.get("market_data.polygon.fresh_for_s", "POLYGON_FRESH_SECS").seconds(1..=86_400);
        /// Age up to which cached data is served, marked as stale.
        stale_for: Duration =
            read.get("market_data.polygon.stale_for_s", "POLYGON_STALE_SECS").seconds(1..=30 * 86_400);
        /// Symbols that are cached.
        symbols_max: usize =
            read.get("market_data.polygon.symbols_max", "POLYGON_SYMBOLS_MAX").number(1..=100_000);
    }
}
