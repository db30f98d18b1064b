//! What several replicas share through Redis: rate limits, how many replicas there are, and texts that all need.
//!
//! Redis makes limits exact; it is never needed. While it does not answer, each replica allows its share of every limit. What
//! a limit allows is decided in `rate_limit::shared`; this crate sends its commands.

mod addresses;
mod breaker;
mod client;
mod connection;
mod error;
mod limits;
mod pool;
mod replicas;
mod scripts;
mod values;

pub use addresses::{CheckedAddress, SharedAddresses, UndecidedAddress};
pub use client::Redis;
pub use limits::{Checked, SharedLimits, Undecided};
pub use values::SharedValues;
