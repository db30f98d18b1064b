//! The settings of what events mean for money, and of the broker's event streams.

use ledger::StashRatio;

use super::{LIST_ITEMS_MAX, parse, setting};
use crate::config::reader::Reader;

/// How what providers say is booked.
#[derive(Clone, Copy, Debug)]
pub struct Ledger {
    /// The part of a deposit that is put aside.
    pub stash_ratio: StashRatio,
    /// Which of the broker's two books moves cash.
    pub alpaca_cash: webhooks::AlpacaCash,
    /// Which of the broker's two books of entries is read.
    pub alpaca_entries: webhooks::AlpacaEntries,
}

/// The broker's event streams.
#[derive(Clone, Debug)]
pub struct AlpacaEvents {
    /// Whether they are read.
    pub enabled: bool,
    /// Where they are.
    pub base_url: String,
    /// Which of them.
    pub streams: Vec<alpaca::Stream>,
}

pub(super) fn ledger(read: &mut Reader<'_>) -> Ledger {
    let books =
        [("activities", webhooks::AlpacaCash::Activities), ("transfers", webhooks::AlpacaCash::Transfers)];
    let entries = [
        ("either", webhooks::AlpacaEntries::Either),
        ("nta", webhooks::AlpacaEntries::Nta),
        ("activities", webhooks::AlpacaEntries::Activities),
    ];
    Ledger {
        stash_ratio: read.required(
            setting("ledger.stash_ratio", "LEDGER_STASH_RATIO"),
            StashRatio::NOTHING,
            parse::ratio,
        ),
        alpaca_cash: read.choice(setting("ledger.alpaca_cash", "LEDGER_ALPACA_CASH"), &books),
        alpaca_entries: read.choice(setting("ledger.alpaca_entries", "LEDGER_ALPACA_ENTRIES"), &entries),
    }
}

pub(super) fn alpaca(read: &mut Reader<'_>) -> AlpacaEvents {
    AlpacaEvents {
        enabled: read.flag(setting("alpaca.events.enabled", "ALPACA_EVENTS_ENABLED")),
        base_url: read.required(
            setting("alpaca.events.base_url", "ALPACA_EVENTS_BASE_URL"),
            String::new(),
            parse::base_url,
        ),
        streams: read.list(
            setting("alpaca.events.streams", "ALPACA_EVENTS_STREAMS"),
            LIST_ITEMS_MAX,
            parse::stream,
        ),
    }
}
