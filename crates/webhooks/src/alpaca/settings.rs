//! Settings of the broker's deliveries.

use crate::settings::{Restriction, Scope, Setting, SettingValue};
use crate::tolerance::TOLERANCE_S_MAX;

/// How deliveries are signed: over time and body, or also over the body alone.
pub(super) const SCHEME: Setting = Setting {
    restriction: Some(Restriction {
        scope: Scope::Production,
        breaks: |value| !is(value, TIMESTAMPED),
        problem: "must be timestamped in production: a body alone can be replayed",
    }),
    ..Setting::choice("webhooks.alpaca.scheme", "WEBHOOK_ALPACA_SCHEME", &["any", TIMESTAMPED])
};
pub(super) const TIMESTAMPED: &str = "timestamped";

/// How far a signed time may lie from the server's clock, either way: five minutes, as Stripe and Standard Webhooks allow.
pub(super) const TOLERANCE: Setting =
    Setting::number("webhooks.alpaca.tolerance_s", "WEBHOOK_ALPACA_TOLERANCE_SECS", 1..=TOLERANCE_S_MAX, 300);

/// The broker reports one deposit twice: as a transfer, whose events name no amount, and as an entry `CSD` or `CSW`, which does.
/// Exactly one of the two is posted; the other is kept for comparison.
pub const CASH: Setting =
    Setting::choice("ledger.alpaca_cash", "LEDGER_ALPACA_CASH", &["activities", TRANSFERS]);
/// The value of [`CASH`] with which transfers are posted.
pub const TRANSFERS: &str = "transfers";

/// The broker lists its entries twice: as `nta`, and as the activities that replace them. One entry is one fact where both give it
/// one id; nothing that the broker publishes promises that they do, so one list is posted unless both are asked for.
pub const ENTRIES: Setting = Setting {
    restriction: Some(Restriction {
        scope: Scope::Production,
        breaks: |value| is(value, "either"),
        problem: "must be nta or activities in production: an entry in both would be posted twice if its ids differ",
    }),
    ..Setting::choice("ledger.alpaca_entries", "LEDGER_ALPACA_ENTRIES", &[ACTIVITIES, NTA, "either"])
};
/// The value of [`ENTRIES`] with which only the older list is posted.
pub const NTA: &str = "nta";
pub(super) const ACTIVITIES: &str = "activities";

fn is(value: &SettingValue, word: &str) -> bool {
    matches!(value, SettingValue::Text(Some(text)) if text == word)
}
