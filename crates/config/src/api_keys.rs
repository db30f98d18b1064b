//! API keys: their format, their roles, and the list of them in the secret `api_keys`.
//!
//! Only digests are stored. No message, log line or `Debug` output contains any part of a key; errors name its position.

mod format;
mod networks_seen;
mod role;
mod set;
mod strength;

pub use format::{KeyMode, NewKey, claimed_id, generate};
pub use networks_seen::{NetworksSeen, Sighting};
pub use role::Role;
pub use set::{Key, KeyError, KeyErrors, KeySet, Label};
