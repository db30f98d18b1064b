//! The settings of market data.

use std::path::PathBuf;
use std::time::Duration;

use outbound::BaseUrl;

use super::parse;
use crate::reader::Reader;
use crate::setting::setting;

/// Highest rate of vendor calls that can be set, in calls per minute.
const CALLS_PER_MINUTE_MAX: u32 = 1_000_000;

/// Where bars come from.
#[derive(Clone, Debug)]
pub struct MarketData {
    /// A directory of CSV files that replaces the bundled sample.
    pub directory: Option<PathBuf>,
    /// The vendor, used when its key is set.
    pub polygon: Polygon,
}

/// The vendor of market data.
#[derive(Clone, Debug)]
pub struct Polygon {
    /// Scheme, host and port of the API.
    pub base_url: BaseUrl,
    /// Calls in any 60 seconds.
    pub calls_per_minute: u32,
    /// Calls in progress at once.
    pub calls_in_flight_max: u32,
    /// Longest time for a call with all its retries.
    pub call_timeout: Duration,
    /// Days of history to fetch.
    pub history_days: u32,
    /// Age up to which cached data counts as fresh.
    pub fresh_for: Duration,
    /// Age up to which cached data is served, marked as stale.
    pub stale_for: Duration,
    /// Symbols that are cached.
    pub symbols_max: usize,
}

pub(super) fn load(read: &mut Reader<'_>) -> MarketData {
    MarketData {
        directory: read.optional(setting("market_data.directory", "MARKET_DATA_DIR"), parse::directory),
        polygon: polygon(read),
    }
}

fn polygon(read: &mut Reader<'_>) -> Polygon {
    let at = |path, variable| setting(path, variable);
    Polygon {
        base_url: parse::base_url(read, at("market_data.polygon.base_url", "POLYGON_BASE_URL")),
        calls_per_minute: read.number(
            at("market_data.polygon.calls_per_minute", "POLYGON_RATE_LIMIT"),
            1..=CALLS_PER_MINUTE_MAX,
        ),
        calls_in_flight_max: read
            .number(at("market_data.polygon.calls_in_flight_max", "POLYGON_MAX_CONCURRENT"), 1..=1_000),
        call_timeout: read.seconds(at("market_data.polygon.timeout_s", "POLYGON_TIMEOUT_SECS"), 1..=120),
        history_days: read
            .number(at("market_data.polygon.history_days", "POLYGON_HISTORY_DAYS"), 30..=20_000),
        fresh_for: read.seconds(at("market_data.polygon.fresh_for_s", "POLYGON_FRESH_SECS"), 1..=86_400),
        stale_for: read.seconds(at("market_data.polygon.stale_for_s", "POLYGON_STALE_SECS"), 1..=30 * 86_400),
        symbols_max: read.number(at("market_data.polygon.symbols_max", "POLYGON_SYMBOLS_MAX"), 1..=100_000),
    }
}
