//! Limits requests by client address or by API key.
//!
//! The algorithm is GCRA (`governor`): one arrival time per client, and no window edge that allows twice the limit.
//! Rejecting a request costs no more than allowing it, and memory is bounded for any number of addresses. Metrics and HTTP
//! are left to callers.

mod address;
mod cold;
mod key;
mod limit;
mod network;
mod offences;
pub mod shared;
mod table;

pub use address::{AddressLimiter, Exceeded};
pub use cold::ColdAddresses;
pub use key::KeyLimiter;
pub use limit::{Limit, LimitStatus, WINDOW_S};
pub use network::{Network, TIERS, Tier};
pub use offences::{Offence, Offences};
pub use table::Capacity;
