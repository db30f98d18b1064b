//! Bars, filings, names and news of a symbol from one of three sources: the bundled sample, a directory of CSV
//! files, or Polygon (Massive) over HTTPS, the last behind a cache.
//!
//! Settings, the key and the time are arguments: the crate reads neither the environment nor the wall clock.
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

mod cache;
mod csv_file;
mod error;
mod file_fault;
mod market_data;
mod price_factors;
mod quality;
mod snapshot;
mod stats;

pub mod csv_directory;
pub mod polygon;
mod sample;

use std::sync::Arc;

pub use cache::CacheConfig;
pub use csv_file::{Mapping, RowOrder};
pub use error::{Denial, Error, Fault, Outage};
pub use file_fault::FileFault;
pub use market_data::{Listing, MarketData, UnusableFile};
pub use quality::{Quality, REFUSED_LISTED_MAX, RefusedRow, RowFault, RowLocation};
pub use snapshot::{AbsentPart, Benchmark, Freshness, Part, Snapshot, SymbolListing};
pub use stats::{Stats, StatsSnapshot};

/// The wall clock, in milliseconds since 1970: an argument, so that a test can set it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
