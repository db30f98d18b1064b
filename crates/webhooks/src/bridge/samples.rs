//! What Bridge sends, each kind of event once. Names and ids are invented; the samples of a channel tell one story in order.

use crate::declaration::{Sample, samples};

pub(super) const ALL: &[Sample] = samples![
    "samples",
    "customer.created" => "a customer is known",
    "customer.updated" => "data of a customer change",
    "customer.updated.status_transitioned" => "a customer is accepted",
    "customer.deleted" => "a customer is gone",
    "kyc_link.created" => "an identity check is begun",
    "kyc_link.updated" => "it goes on",
    "kyc_link.updated.status_transitioned" => "it is passed",
    "transfer.created" => "money is awaited",
    "transfer.updated" => "it was received",
    "transfer.updated.status_transitioned" => "it was paid out",
    "transfer.returned" => "it went back",
    "virtual_account.activity.created" => "money came to a virtual account",
    "virtual_account.activity.payment_processed" => "it was paid out",
    "virtual_account.activity.updated" => "it is looked at",
    "liquidation_address.drain.created" => "tokens came to be paid out",
    "liquidation_address.drain.updated" => "data of it change",
    "liquidation_address.drain.updated.status_transitioned" => "they were paid out",
    "static_memo.activity.created" => "money came with a memo",
    "static_memo.activity.updated" => "it was paid out",
    "card_account.created" => "a card is there",
    "card_account.updated" => "its balance changes",
    "card_account.updated.status_transitioned" => "it is frozen",
    "card_transaction.created" => "a card is used",
    "card_transaction.updated" => "data of it change",
    "card_transaction.updated.status_transitioned" => "it is settled",
    "posted_card_account_transaction.created" => "it stands in the card's book",
    "card_withdrawal.created" => "money leaves a card",
];
