//! Settings of Circle's deliveries.

use crate::settings::{Setting, SettingKind, Settings};

/// Most items of a list.
const LIST_ITEMS_MAX: usize = 100;
/// Longest id, in bytes.
const ID_BYTES_MAX: usize = 128;

/// Where public keys are fetched.
pub const BASE_URL: Setting = Setting::new(
    "webhooks.circle.base_url",
    "CIRCLE_BASE_URL",
    SettingKind::BaseUrl { default: Some("https://api.circle.com") },
);

/// Ids of tokens that are USDC: the id differs by blockchain.
pub(super) const USDC_TOKEN_IDS: Setting = ids("webhooks.circle.usdc_token_ids", "CIRCLE_USDC_TOKEN_IDS");

/// Which notifications are ours, by `subscriptionId` in Circle v2 and `clientId` in Circle Mint.
pub(super) const SENDERS: Setting = ids("webhooks.circle.senders", "CIRCLE_SENDERS");

const fn ids(path: &'static str, variable: &'static str) -> Setting {
    let kind = SettingKind::List {
        items_max: LIST_ITEMS_MAX,
        is_item: is_id,
        expected: "must be ids of letters, digits, -, _ and .",
    };
    Setting::new(path, variable, kind)
}

fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether a notification with this address is ours. Circle signs for all its customers with the same keys, and each of them can
/// have theirs sent to any address: a signature proves Circle, and not whose money it is. Where no sender is named, everyone's
/// notifications are ours, but in production nobody's.
pub(super) fn is_ours(settings: &Settings, address: Option<&str>) -> bool {
    let senders = settings.list(&SENDERS);
    match senders.is_empty() {
        true => !settings.is_production(),
        false => address.is_some_and(|address| senders.iter().any(|sender| sender == address)),
    }
}
