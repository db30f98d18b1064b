//! Events of Bridge, each kind once. Names and ids are invented; the samples of a channel are one story in order.

use crate::declaration::{Sample, samples};

pub(super) const ALL: &[Sample] = samples![
    "samples",
    "customer.created" => "customer created",
    "customer.updated" => "customer data changed",
    "customer.updated.status_transitioned" => "customer approved",
    "customer.deleted" => "customer deleted",
    "kyc_link.created" => "identity check started",
    "kyc_link.updated" => "identity check continued",
    "kyc_link.updated.status_transitioned" => "identity check passed",
    "transfer.created" => "transfer created",
    "transfer.updated" => "funds received",
    "transfer.updated.status_transitioned" => "transfer paid out",
    "transfer.returned" => "transfer returned",
    "virtual_account.activity.created" => "deposit to a virtual account received",
    "virtual_account.activity.payment_processed" => "deposit to a virtual account paid out",
    "virtual_account.activity.updated" => "deposit to a virtual account in review",
    "liquidation_address.drain.created" => "tokens received at a liquidation address",
    "liquidation_address.drain.updated" => "drain data changed",
    "liquidation_address.drain.updated.status_transitioned" => "drain paid out",
    "static_memo.activity.created" => "deposit with a memo received",
    "static_memo.activity.updated" => "deposit with a memo paid out",
    "card_account.created" => "card account created",
    "card_account.updated" => "card balance changed",
    "card_account.updated.status_transitioned" => "card frozen",
    "card_transaction.created" => "card payment authorized",
    "card_transaction.updated" => "card payment data changed",
    "card_transaction.updated.status_transitioned" => "card payment settled",
    "posted_card_account_transaction.created" => "card payment posted",
    "card_withdrawal.created" => "card withdrawal",
];
