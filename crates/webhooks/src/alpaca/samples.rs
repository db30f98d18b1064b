//! Events of the broker, each kind once. Names and ids are invented; the samples of a channel are one story in order.

use crate::declaration::{Sample, samples};

pub(super) const ACCOUNT: &[Sample] = samples![
    "samples/account",
    "submitted" => "account application submitted",
    "approved" => "account approved",
    "active" => "account active",
    "account_updated" => "account data changed",
    "disabled" => "account disabled",
    "rejected" => "account application rejected",
];

pub(super) const TRANSFER: &[Sample] = samples![
    "samples/transfer",
    "queued" => "transfer queued",
    "sent_to_clearing" => "transfer sent to clearing",
    "complete" => "transfer completed",
    "returned" => "transfer returned",
    "canceled" => "transfer canceled",
    "funding" => "transfer completed, as the funding stream reports it",
];

pub(super) const NTA: &[Sample] = samples![
    "samples/nta",
    "deposit" => "deposit",
    "withdrawal" => "withdrawal",
    "dividend" => "dividend",
    "interest" => "interest on cash",
    "fee" => "fee",
    "tax" => "tax withheld",
    "journal" => "money from another account at the broker",
    "split" => "half of a stock split in the older form, which needs review",
];

pub(super) const TRADE: &[Sample] = samples![
    "samples/trade",
    "pending_new" => "order is being placed",
    "accepted" => "order accepted",
    "new" => "order placed",
    "partial_fill" => "one of two shares bought",
    "fill" => "second share bought",
    "held" => "order held for another",
    "canceled" => "order canceled",
    "expired" => "order expired",
    "done_for_day" => "order done for the day",
    "replaced" => "order replaced by another",
    "rejected" => "order rejected",
    "stopped" => "price guaranteed",
    "pending_cancel" => "cancellation requested",
    "pending_replace" => "replacement requested",
    "calculated" => "order done, settlement pending",
    "suspended" => "order suspended",
    "restated" => "order changed by the broker",
    "order_replace_rejected" => "replacement rejected",
    "order_cancel_rejected" => "cancellation rejected",
    "trade_bust" => "execution reversed",
    "trade_correct" => "execution corrected",
];

pub(super) const JOURNAL: &[Sample] = samples![
    "samples/journal",
    "queued" => "journal queued",
    "executed" => "journal executed",
    "canceled" => "journal canceled",
    "shares" => "journal of shares executed",
];

pub(super) const ACTIVITY: &[Sample] = samples![
    "samples/activity",
    "deposit" => "deposit",
    "withdrawal" => "withdrawal",
    "dividend" => "dividend",
    "fee" => "fee",
    "split" => "stock split, two shares become four",
];
