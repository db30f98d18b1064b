//! The broker's event streams: server-sent events read over HTTPS, each stream resumed where its last durable record
//! stands.
//!
//! It knows neither what an event means nor where it is kept: batches of records go to a sink, and a cursor moves only
//! when the sink has said that a batch is durable. Every record arrives at least once, often twice: what keeps them
//! must know them by their ids. It reads neither the environment nor the wall clock: settings, the key and the time are
//! handed in.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use alpaca::{Batch, Config, EventStreams, SinkError, Stream};
//!
//! # async fn example() -> Result<(), alpaca::BuildError> {
//! let key = Arc::new(|| alpaca::basic("key id", "secret"));
//! let clock = Arc::new(|| 1_767_225_600_000_i64);
//! let streams = EventStreams::new(Config::default(), key, clock)?;
//! let keep = |batch: Batch| async move {
//!     // One transaction for the records and the cursor.
//!     println!("{} records, then {}", batch.records.len(), batch.cursor);
//!     Ok::<(), SinkError>(())
//! };
//! // Reads until it is dropped.
//! streams.consume(Stream::Trades, None, keep).await;
//! # Ok(())
//! # }
//! ```

mod access;
mod backoff;
mod batch;
mod config;
mod connection;
mod decoder;
mod ending;
mod event_id;
mod event_streams;
mod notice;
mod status;
mod stream;

use std::sync::Arc;

pub use access::{KeySource, basic};
pub use batch::{BATCH_RECORDS_MAX, Batch, RECORD_BYTES_MAX, Record, SinkError};
pub use config::{BuildError, Config};
pub use ending::Ending;
pub use event_id::{EventId, EventIdError};
pub use event_streams::EventStreams;
pub use status::StatusReading;
pub use stream::{Stream, UnknownStream};

/// The wall clock, in milliseconds since 1970: handed in, so that a test can set it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
