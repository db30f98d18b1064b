//! Alpaca's event streams: server-sent events read over HTTPS, each stream resumed after its last durable record.
//!
//! The crate interprets and stores nothing: batches of records go to a sink, and a cursor moves only when the sink returns,
//! because the batch is then durable. Every record arrives at least once, often twice: the sink must deduplicate by id.
//! Settings, the key and the time are arguments.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use alpaca::{Batch, Config, EventStreams, SinkError, Stream};
//!
//! # async fn example() -> Result<(), alpaca::BuildError> {
//! let key = Arc::new(|| alpaca::basic("key id", "secret"));
//! let clock = Arc::new(|| 1_767_225_600_000_i64);
//! let streams = EventStreams::new(Config::default(), key, clock)?;
//! let sink = |batch: Batch| async move {
//!     // One transaction for the records and the cursor.
//!     println!("{} records, then {}", batch.records.len(), batch.cursor);
//!     Ok::<(), SinkError>(())
//! };
//! // Reads until it is dropped.
//! streams.consume(Stream::Trades, None, sink).await;
//! # Ok(())
//! # }
//! ```

mod api_key;
mod batch;
mod client;
mod config;
mod connection;
mod decoder;
mod disconnect;
mod event_id;
mod event_streams;
mod notice;
mod status;
mod stream;

use std::sync::Arc;

pub use api_key::{KeySource, basic};
pub use batch::{BATCH_RECORDS_MAX, Batch, RECORD_BYTES_MAX, Record, SinkError};
pub use config::{BuildError, Config};
pub use event_id::{EventId, EventIdError};
pub use event_streams::EventStreams;
pub use status::StatusSnapshot;
pub use stream::{Stream, UnknownStream};

/// The wall clock, in milliseconds since 1970: an argument, so that a test can set it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
