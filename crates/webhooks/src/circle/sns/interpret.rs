//! Notifications of Circle Mint, inside messages of SNS: transfers, payments, payouts, deposits.

use domain::{Direction, Fact, FactKind, Provider, Subject, TransferStatus};
use jiff::Timestamp;
use serde::Deserialize;

use super::fields::Fields;
use crate::circle::settings::{SENDERS, is_ours};
use crate::circle::transfer;
use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::{self, Field};
use crate::settings::Settings;

/// The inner message (developers.circle.com/circle-mint/references/webhook-notifications).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Notification<'a> {
    #[serde(borrow)]
    client_id: Field<'a>,
    notification_type: Field<'a>,
    transfer: Field<'a>,
    payment: Field<'a>,
    payout: Field<'a>,
    deposit: Field<'a>,
}

/// The fields of payments, payouts and deposits; each has some of them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    r#type: Field<'a>,
    merchant_wallet_id: Field<'a>,
    source_wallet_id: Field<'a>,
    destination: Field<'a>,
    amount: Field<'a>,
    fee: Field<'a>,
    fees: Field<'a>,
    status: Field<'a>,
    r#return: Field<'a>,
    update_date: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Destination<'a> {
    #[serde(borrow)]
    id: Field<'a>,
}

pub(in crate::circle) fn interpret(body: &[u8], settings: &Settings) -> Outcome {
    let outer: Fields<'_> =
        json::fields(body).map_err(|_| extract::unreadable("body", "it is not a message of SNS"))?;
    if outer.r#type.as_deref() != Some("Notification") {
        return Err(Unhandled::NoEffect("a subscription's confirmation"));
    }
    let sent_at: Timestamp = outer
        .timestamp
        .as_deref()
        .and_then(|text| text.parse().ok())
        .ok_or(extract::unreadable("Timestamp", "it is not a time"))?;
    let message = outer.message.as_deref().unwrap_or_default();
    let Ok(notification) = json::fields::<Notification<'_>>(message.as_bytes()) else {
        return Err(Unhandled::UnknownType);
    };
    if !is_ours(settings, notification.client_id.text().as_deref()) {
        return Err(Unhandled::OtherCustomer(SENDERS.variable));
    }
    notification.interpret(sent_at)
}

impl Notification<'_> {
    fn interpret(&self, sent_at: Timestamp) -> Outcome {
        let kind = self.notification_type.text().unwrap_or_default();
        match &*kind {
            "transfers" => {
                let resource: Resource<'_> = self.transfer.fields();
                transfer::interpret(self.transfer, None, resource.update_date.time().unwrap_or(sent_at))
            }
            "payments" => self.payment.fields::<Resource<'_>>().payment(sent_at),
            "payouts" | "payout" => self.payout.fields::<Resource<'_>>().payout(sent_at),
            "deposits" | "deposit" => self.deposit.fields::<Resource<'_>>().deposit(sent_at),
            "paymentIntents" | "addressBookRecipients" | "wire" | "ach" | "cards" | "paymentIntent" => {
                Err(Unhandled::NoEffect("a way of paying"))
            }
            "settlements" | "chargebacks" | "returns" | "creditTransfer" | "reversals" | "adjustments" => {
                Err(Unhandled::ByHand("a notification of this type"))
            }
            _ => Err(Unhandled::UnknownType),
        }
    }
}

impl Resource<'_> {
    /// Money that someone pays to a wallet of ours, less Circle's fee.
    fn payment(&self, sent_at: Timestamp) -> Outcome {
        if !matches!(self.r#type.text().as_deref(), None | Some("payment")) {
            return Err(Unhandled::ByHand("a refund or a cancellation of a payment"));
        }
        let account = transfer::wallet(self.merchant_wallet_id, "payment.merchantWalletId")?;
        let amount = transfer::amount_less(self.amount, self.fees, "payment.amount")?;
        let status = transfer::status(self.status.text().as_deref(), "payment.status")?;
        self.fact(sent_at, transfer::posted(account, Direction::Inbound, amount, status))
    }

    /// Money that leaves a wallet of ours; it can come back.
    fn payout(&self, sent_at: Timestamp) -> Outcome {
        let account = transfer::wallet(self.source_wallet_id, "payout.sourceWalletId")?;
        let amount = transfer::amount(self.amount, "payout.amount")?;
        let status = match transfer::status(self.status.text().as_deref(), "payout.status")? {
            TransferStatus::Settled if self.r#return.is_present() => TransferStatus::Returned,
            status => status,
        };
        self.fact(sent_at, transfer::posted(account, Direction::Outbound, amount, status))
    }

    /// Our own money that arrives by bank, less Circle's fee.
    fn deposit(&self, sent_at: Timestamp) -> Outcome {
        let destination: Destination<'_> = self.destination.fields();
        let account = transfer::wallet(destination.id, "deposit.destination.id")?;
        let amount = transfer::amount_less(self.amount, self.fee, "deposit.amount")?;
        let status = transfer::status(self.status.text().as_deref(), "deposit.status")?;
        self.fact(sent_at, transfer::posted(account, Direction::Inbound, amount, status))
    }

    /// A copy from another region has another `Timestamp`, so the resource's own time comes first.
    fn fact(&self, sent_at: Timestamp, kind: FactKind) -> Outcome {
        let id = extract::id(Provider::Circle, self.id, "id")?;
        let at = self.update_date.time().unwrap_or(sent_at);
        Ok(Fact { subject: Subject::Transfer(id), at, kind }.into())
    }
}
