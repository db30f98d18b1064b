//! The Polygon client against a fake, over real sockets, with every fault that was ever seen or feared; and files as sources
//! export them.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod bad_responses;
mod bars;
mod failures;
mod files;
mod key;
mod parts;
mod sharing;
mod spelling;

use std::sync::Arc;
use std::time::Duration;

use domain::Symbol;
use market_data::polygon::{Config, bearer};
use market_data::{Error, MarketData, Snapshot};
use tests::polygon::FakePolygon;

/// May be in no response, error or URL.
const KEY: &str = "canary-4f1c7a";

/// 2013-03-01T21:00:00Z, after the close.
const NOW_UNIX_MS: i64 = 1_362_171_600_000;

/// Long timeouts, so that a busy machine is no outage; a test of a timeout shortens its own.
fn config(vendor: &FakePolygon) -> Config {
    Config {
        base_url: vendor.base_url().parse().expect("a base URL"),
        permit_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(30),
        try_timeout: Duration::from_secs(30),
        call_timeout: Duration::from_secs(60),
        ..Config::default()
    }
}

fn client(config: Config) -> MarketData {
    MarketData::polygon(config, Arc::new(|| bearer(KEY)), Arc::new(|| NOW_UNIX_MS))
        .expect("a valid configuration")
}

fn symbol(text: &str) -> Symbol {
    text.parse().expect("a symbol")
}

async fn apple(market_data: &MarketData) -> Result<Arc<Snapshot>, Error> {
    market_data.snapshot(&symbol("AAPL")).await
}
