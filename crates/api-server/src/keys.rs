//! API keys: their format, the set in force, the role of each, and whether the service may run without any.
//!
//! Only digests are kept. No message, log line or `Debug` output holds any part of a key; faults name its position.

mod format;
mod mode;
mod ring;
mod role;
mod set;
mod strength;
mod throttle;

pub use format::{Environment, NewKey, claimed_id, generate};
pub use mode::{AuthMode, NotSafe};
pub use ring::{KeyRing, Lists};
pub use role::Role;
pub use set::{Fault, Faults, Key, KeySet, Label};
pub use throttle::Throttle;
