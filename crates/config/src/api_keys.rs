//! API keys: their format, the list of them in the secret `api_keys`, and those of the database.
//!
//! Only digests are stored. No message, log line or `Debug` output contains any part of a key; errors name its position.

mod format;
mod key;
mod networks_seen;
mod set;
mod stored;
mod strength;

pub use domain::{KeyMode, Role};
pub use format::{NewKey, claimed_id, generate};
pub use key::{GrantError, Key, Label, StoredTerms, Usage, UseError};
pub use networks_seen::{NetworksSeen, Sighting};
pub use set::{KeyError, KeyErrors, KeySet, PresentedKey};
pub use stored::{StoredKey, StoredKeys, accepts_mode, default_mode, parse_network};
pub use strength::estimated_bits;
