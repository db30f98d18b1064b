//! What Circle sends, each kind of event once. Names and ids are invented; the samples of a channel tell one story in order.

use crate::declaration::{Sample, samples};

pub(super) const DIRECT: &[Sample] = samples![
    "samples/direct",
    "transactions.inbound.confirmed" => "tokens arrive",
    "transactions.inbound.complete" => "they have arrived",
    "transactions.outbound.initiated" => "tokens leave",
    "transactions.outbound.complete" => "they have left",
    "transactions.outbound.failed" => "they did not leave",
    "challenges.initialize" => "a user set up a wallet",
    "challenges.createTransaction" => "a user is asked to confirm",
    "contracts.eventLog" => "a contract logs",
    "modularWallet.userOperation" => "an operation of a modular wallet",
    "modularWallet.inboundTransfer" => "tokens arrive at a modular wallet",
    "travelRule.statusUpdate" => "a travel rule is checked",
    "rampSession.completed" => "somebody bought tokens",
    "cpn.payment.completed" => "a payment through a partner",
    "cpn.transaction.completed" => "its transaction",
    "cpn.rfi.informationRequired" => "a partner asks for more",
    "gateway.deposit.finalized" => "a deposit at the gateway",
    "webhooks.test" => "Circle's button says hello",
];

pub(super) const SNS: &[Sample] = samples![
    "samples/sns",
    "transfers.pending" => "tokens are on their way to the account",
    "transfers.complete" => "they have arrived",
    "transfers.failed" => "they did not arrive",
    "payments" => "a payment",
    "payouts" => "money is paid out to a bank",
    "deposits" => "money came from a bank",
    "paymentIntents" => "somebody means to pay",
    "addressBookRecipients" => "a recipient is known",
];
