//! The secret that lists the API keys of clients, parsed as the server parses it.

use config::api_keys::{KeyErrors, KeySet};

/// The name of the secret.
pub(crate) const API_KEYS: &str = "api_keys";

pub(crate) fn parse(text: &str) -> Result<KeySet, KeyErrors> {
    KeySet::check(text)
}
