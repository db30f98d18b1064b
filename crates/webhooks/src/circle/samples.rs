//! Events of Circle, each kind once. Names and ids are invented; the samples of a channel are one story in order.

use crate::declaration::{Sample, samples};

pub(super) const DIRECT: &[Sample] = samples![
    "samples/direct",
    "transactions.inbound.confirmed" => "inbound transaction confirmed",
    "transactions.inbound.complete" => "inbound transaction completed",
    "transactions.outbound.initiated" => "outbound transaction initiated",
    "transactions.outbound.complete" => "outbound transaction completed",
    "transactions.outbound.failed" => "outbound transaction failed",
    "challenges.initialize" => "user set up a wallet",
    "challenges.createTransaction" => "user asked to confirm a transaction",
    "contracts.eventLog" => "contract event logged",
    "modularWallet.userOperation" => "operation of a modular wallet",
    "modularWallet.inboundTransfer" => "transfer to a modular wallet",
    "travelRule.statusUpdate" => "travel rule status changed",
    "rampSession.completed" => "tokens bought",
    "cpn.payment.completed" => "payment through the Circle Payments Network completed",
    "cpn.transaction.completed" => "transaction of such a payment completed",
    "cpn.rfi.informationRequired" => "partner requests information",
    "gateway.deposit.finalized" => "gateway deposit finalized",
    "webhooks.test" => "test message of Circle's console",
];

pub(super) const SNS: &[Sample] = samples![
    "samples/sns",
    "transfers.pending" => "transfer pending",
    "transfers.complete" => "transfer completed",
    "transfers.failed" => "transfer failed",
    "payments" => "payment received",
    "payouts" => "payout to a bank",
    "deposits" => "deposit from a bank",
    "paymentIntents" => "payment intent created",
    "addressBookRecipients" => "recipient added",
];
