//! What the broker sends, each kind of event once. Names and ids are invented; the samples of a channel tell one story in order.

use crate::declaration::{Sample, samples};

pub(super) const ACCOUNT: &[Sample] = samples![
    "samples/account",
    "submitted" => "an account is asked for",
    "approved" => "it is accepted",
    "active" => "it is open",
    "account_updated" => "data of an account change",
    "disabled" => "an account is closed to trading",
    "rejected" => "an account is refused",
];

pub(super) const TRANSFER: &[Sample] = samples![
    "samples/transfer",
    "queued" => "a transfer waits",
    "sent_to_clearing" => "it is on its way",
    "complete" => "it has arrived",
    "returned" => "a transfer went back",
    "canceled" => "a transfer was taken back",
    "funding" => "a transfer has arrived, in the form of the funding stream",
];

pub(super) const NTA: &[Sample] = samples![
    "samples/nta",
    "deposit" => "money comes in",
    "withdrawal" => "money goes out",
    "dividend" => "a company pays",
    "interest" => "cash earns",
    "fee" => "a service costs",
    "tax" => "a state withholds",
    "journal" => "money comes from another account at the broker",
    "split" => "half of a split in the older form, which people book",
];

pub(super) const TRADE: &[Sample] = samples![
    "samples/trade",
    "pending_new" => "an order is being placed",
    "accepted" => "it is accepted",
    "new" => "it is placed",
    "partial_fill" => "one share of two is bought",
    "fill" => "the second share is bought",
    "held" => "an order waits for another",
    "canceled" => "an order is taken back",
    "expired" => "an order runs out of time",
    "done_for_day" => "an order rests until tomorrow",
    "replaced" => "another order stands in its place",
    "rejected" => "an order is refused",
    "stopped" => "a price is guaranteed",
    "pending_cancel" => "an order is being taken back",
    "pending_replace" => "an order is being replaced",
    "calculated" => "an order is done, its settlement is not",
    "suspended" => "an order may not trade",
    "restated" => "the broker changes an order",
    "order_replace_rejected" => "an order is not replaced",
    "order_cancel_rejected" => "an order is not taken back",
    "trade_bust" => "an execution did not happen after all",
    "trade_correct" => "an execution happened otherwise",
];

pub(super) const JOURNAL: &[Sample] = samples![
    "samples/journal",
    "queued" => "money between accounts waits",
    "executed" => "it has moved",
    "canceled" => "it has not moved",
    "shares" => "shares between accounts have moved",
];

pub(super) const ACTIVITY: &[Sample] = samples![
    "samples/activity",
    "deposit" => "money comes in",
    "withdrawal" => "money goes out",
    "dividend" => "a company pays",
    "fee" => "a service costs",
    "split" => "two shares become four",
];
