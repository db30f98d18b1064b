//! Bars, filings, names and news of a symbol from one of three places: the bundled sample, a directory of one's own CSV
//! files, or Polygon (Massive) over HTTPS, the last behind a cache.
//!
//! It computes nothing from what it brings, knows nothing of our own HTTP answers, and reads neither the environment nor
//! the wall clock: settings, the key and the time are handed in.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let market_data = market_data::MarketData::bundled();
//! let apple = market_data.snapshot(&"AAPL".parse().unwrap()).await.unwrap();
//! assert_eq!(apple.as_of.to_string(), "2013-03-01");
//! assert_eq!(apple.history.raw().view().close.last(), Some(&430.47));
//! # });
//! ```

pub mod cache;
mod error;
mod lru;
mod market_data;
mod quality;
mod snapshot;
mod stats;

pub mod csv_directory;
pub mod polygon;
pub mod sample;

use std::sync::Arc;

pub use error::{Denial, Error, FIRST_ROWS_MAX, Fault, Outage};
pub use market_data::MarketData;
pub use quality::{Place, Quality, REFUSED_LISTED_MAX, RefusedRow, RowFault};
pub use snapshot::{Benchmark, Freshness, Listed, Missing, Part, Snapshot};
pub use stats::{Stats, StatsReading};

/// The wall clock, in milliseconds since 1970: handed in, so that a test can set it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
