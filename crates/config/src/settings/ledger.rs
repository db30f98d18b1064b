//! The settings of the ledger, and of the broker's event streams.

use ::ledger::StashRatio;
use outbound::BaseUrl;

use super::{LIST_ITEMS_MAX, parse};
use crate::reader::Reader;
use crate::setting::setting;

/// The event streams of Alpaca. The one of activities decides which entries are posted.
const ALPACA_STREAMS: [&str; 5] = ["trades", "account_status", "journals", "funding", ACTIVITIES];
pub(crate) const ACTIVITIES: &str = "activities";

/// The broker's event streams.
#[derive(Clone, Debug)]
pub struct AlpacaEvents {
    /// Whether they are read.
    pub enabled: bool,
    /// Scheme, host and port of the API.
    pub base_url: BaseUrl,
    /// The names of the streams to read.
    pub streams: Vec<&'static str>,
}

pub(super) fn stash_ratio(read: &mut Reader<'_>) -> StashRatio {
    read.required(setting("ledger.stash_ratio", "LEDGER_STASH_RATIO"), StashRatio::ZERO, parse::ratio)
}

pub(super) fn alpaca_events(read: &mut Reader<'_>) -> AlpacaEvents {
    let streams = setting("alpaca.events.streams", "ALPACA_EVENTS_STREAMS");
    AlpacaEvents {
        enabled: read.flag(setting("alpaca.events.enabled", "ALPACA_EVENTS_ENABLED")),
        base_url: parse::base_url(read, setting("alpaca.events.base_url", "ALPACA_EVENTS_BASE_URL")),
        streams: read.list(streams, LIST_ITEMS_MAX, |text| parse::one_of(text, &ALPACA_STREAMS)),
    }
}
