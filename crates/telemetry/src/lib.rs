//! What the service tells about itself: metrics, log lines and the access log. The wall clock is here, too.
//!
//! Knows nothing of the rest of the product: label values such as routes and providers are passed in.

pub mod access_log;
mod causes;
mod clock;
pub mod logs;
pub mod metrics;
mod request_id;

pub use causes::with_causes;
pub use clock::Clock;
pub use request_id::RequestId;
