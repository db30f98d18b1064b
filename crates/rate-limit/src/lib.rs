//! Limits requests by client address or by API key.
//!
//! The algorithm is GCRA (`governor`): one arrival time per client, and no window edge at which twice the limit passes.
//! Rejecting costs no more than admitting, and memory is bounded whatever addresses appear. Metrics and HTTP are left to
//! callers.

mod address;
mod key;
mod limit;
mod network;
mod table;

pub use address::{AddressLimiter, Exceeded, Scope};
pub use key::KeyLimiter;
pub use limit::{Limit, LimitStatus, WINDOW_S};
pub use network::Network;
pub use table::Capacity;
