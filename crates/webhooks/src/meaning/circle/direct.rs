//! Notifications of the second system: transactions of wallets.

use domain::{Currency, Direction, Fact, Money, Provider, Subject, TransferStatus};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::transfer;
use crate::circle::direct::{Family, TEST};
use crate::content::Field;
use crate::meaning::{Meaning, Read, Reading, Unhandled, reader};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    subscription_id: Field<'a>,
    notification_type: Field<'a>,
    notification: Field<'a>,
    timestamp: Field<'a>,
    transfer: Field<'a>,
}

/// A transaction of a wallet (developers.circle.com/api-reference/wallets/common/transactions-inbound).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Transaction<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    wallet_id: Field<'a>,
    token_id: Field<'a>,
    amounts: Field<'a>,
    state: Field<'a>,
    transaction_type: Field<'a>,
    update_date: Field<'a>,
}

pub(in crate::meaning) fn read(body: &[u8], reading: &Reading) -> Read {
    let envelope: Envelope<'_> = reader::fields(body)?;
    let kind = envelope.notification_type.text().unwrap_or_default();
    if kind == TEST {
        return Ok(Meaning::Test);
    }
    if !reading.is_ours(envelope.subscription_id.text().as_deref()) {
        return Err(Unhandled::Stranger);
    }
    match Family::of(&kind) {
        Family::Transactions => envelope.transaction(&kind, reading),
        Family::Transfers => {
            let object =
                if envelope.notification.is_there() { envelope.notification } else { envelope.transfer };
            let suffix = kind.strip_prefix("transfers.");
            transfer::read(object, suffix, reader::time(envelope.timestamp, "timestamp")?)
        }
        Family::Challenges => Err(Unhandled::NoEffect("a challenge to a user")),
        Family::Contracts => Err(Unhandled::NoEffect("a log entry of a contract")),
        Family::ModularWallet => Err(Unhandled::ByHand("an operation of a modular wallet")),
        Family::TravelRule => Err(Unhandled::NoEffect("a step of the travel rule")),
        Family::RampSession => Err(Unhandled::NoEffect("a step of a ramp session")),
        Family::Cpn => Err(Unhandled::ByHand("a payment of Circle's network")),
        Family::Gateway => Err(Unhandled::ByHand("a movement at Circle's gateway")),
        Family::Unknown => Err(Unhandled::UnknownType),
    }
}

impl Envelope<'_> {
    fn transaction(&self, kind: &str, reading: &Reading) -> Read {
        let transaction: Transaction<'_> = self.notification.fields();
        let id = reader::id(Provider::Circle, transaction.id, "notification.id")?;
        let at = transaction.update_date.time();
        let account = transfer::wallet(transaction.wallet_id, "notification.walletId")?;
        let direction = transaction.direction(kind)?;
        let status = transaction.status()?;
        let what = transfer::books(account, direction, transaction.amount(reading)?, status);
        let at = at.map_or_else(|| reader::time(self.timestamp, "timestamp"), Ok)?;
        Ok(Fact { subject: Subject::Transfer(id), at, what }.into())
    }
}

impl Transaction<'_> {
    fn direction(&self, kind: &str) -> Result<Direction, Unhandled> {
        let told = self.transaction_type.text();
        match (kind, told.as_deref()) {
            ("transactions.inbound", _) | (_, Some("INBOUND")) => Ok(Direction::Inbound),
            ("transactions.outbound", None | Some("OUTBOUND")) | (_, Some("OUTBOUND")) => {
                Ok(Direction::Outbound)
            }
            _ => Err(Unhandled::ByHand("a transaction that is no transfer")),
        }
    }

    fn status(&self) -> Result<TransferStatus, Unhandled> {
        match self.state.text().as_deref() {
            Some(
                "INITIATED"
                | "PENDING_RISK_SCREENING"
                | "CLEARED"
                | "QUEUED"
                | "SENT"
                | "STUCK"
                | "ACCELERATED"
                | "CONFIRMED",
            ) => Ok(TransferStatus::Pending),
            // The reference says COMPLETE; COMPLETED is seen too.
            Some("COMPLETE" | "COMPLETED") => Ok(TransferStatus::Settled),
            Some("FAILED" | "CANCELLED" | "CANCELED" | "DENIED") => Ok(TransferStatus::Failed),
            _ => Err(Unhandled::UnknownStatus("notification.state")),
        }
    }

    /// The sum of the amounts, of a token that is known to be a currency.
    fn amount(&self, reading: &Reading) -> Result<Money, Unhandled> {
        const NAME: &str = "notification.amounts";
        let currency = self.currency(reading)?;
        let amounts: Vec<&RawValue> = self.amounts.fields();
        let mut sum = Decimal::ZERO;
        for amount in amounts {
            let amount = reader::number(Field::from(amount), NAME)?;
            sum = sum.checked_add(amount).ok_or(reader::unreadable(NAME, "the sum is out of range"))?;
        }
        reader::positive(sum, currency, NAME)
    }

    fn currency(&self, reading: &Reading) -> Result<Currency, Unhandled> {
        let token = self.token_id.text().ok_or(Unhandled::Currency)?;
        reading.circle_tokens.get(&*token).copied().ok_or(Unhandled::Currency)
    }
}
