//! Metrics, logs, the access log, traces and the wall clock.
//!
//! Knows nothing about the rest of the product: callers pass label values such as routes and providers.

pub mod access_log;
mod causes;
mod clock;
mod log_output;
pub mod logs;
pub mod metrics;
mod request_id;
mod span_ids;
pub mod traces;

pub use causes::with_causes;
pub use clock::Clock;
pub use log_output::LogOutput;
pub use request_id::RequestId;
