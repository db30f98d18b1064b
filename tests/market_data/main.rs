//! The client of Polygon against a fake of it: over real sockets, with every misbehaviour that was ever seen or feared.

mod answers;
mod bars;
mod failures;
mod key;
mod parts;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use domain::Symbol;
use market_data::polygon::{Config, bearer};
use market_data::{Error, MarketData, Snapshot};
use tests::polygon::FakePolygon;

/// What the fake is called with: no answer, error or URL may hold it.
const KEY: &str = "canary-4f1c7a";

/// 2013-03-01T21:00:00Z, after the close.
const NOW_UNIX_MS: i64 = 1_362_171_600_000;

/// Settings with long waits: a busy machine is no outage, and calls are counted. A test of a timeout shortens its own.
fn patient(vendor: &FakePolygon) -> Config {
    Config {
        base_url: vendor.base_url(),
        turn_wait: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(30),
        try_timeout: Duration::from_secs(30),
        call_timeout: Duration::from_secs(60),
        ..Config::default()
    }
}

fn client(config: Config) -> MarketData {
    MarketData::polygon(config, Arc::new(|| bearer(KEY)), Arc::new(|| NOW_UNIX_MS))
        .expect("settings that can be used")
}

fn symbol(text: &str) -> Symbol {
    text.parse().expect("a symbol")
}

async fn apple(market_data: &MarketData) -> Result<Arc<Snapshot>, Error> {
    market_data.snapshot(&symbol("AAPL")).await
}
