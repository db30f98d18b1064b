//! Deliveries signed by other people's code are accepted, and everything that is wrong with one is refused for its
//! reason. The signatures and their makers are in `tests/fixtures/webhooks`.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod alpaca;
mod bridge;
mod direct;
mod flips;
mod interpret;
mod properties;
mod samples;
mod signed;
mod sns;
mod vectors;

use webhooks::{ProviderSettings, SettingValue};

/// The defaults, with another word of one choice.
fn settings(path: &str, word: &str) -> ProviderSettings {
    ProviderSettings::default().with(path, &SettingValue::Text(Some(word.to_owned())))
}
