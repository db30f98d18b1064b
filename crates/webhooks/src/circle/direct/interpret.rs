//! Notifications of Circle v2: transactions of wallets.

use domain::{CoinSide, Currency, Direction, Fact, Money, Provider, Subject, TransferStatus};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::TEST;
use super::family::Family;
use crate::circle::settings::{SENDERS, USDC_TOKEN_IDS, is_ours};
use crate::circle::transfer;
use crate::extract;
use crate::interpretation::{Interpretation, Outcome, Unhandled};
use crate::json::Field;
use crate::settings::Settings;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fields<'a> {
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
    tx_hash: Field<'a>,
    update_date: Field<'a>,
}

pub(in crate::circle) fn interpret(body: &[u8], settings: &Settings) -> Outcome {
    let fields: Fields<'_> = extract::fields(body)?;
    let kind = fields.notification_type.text().unwrap_or_default();
    if kind == TEST {
        return Ok(Interpretation::Test);
    }
    if !is_ours(settings, fields.subscription_id.text().as_deref()) {
        return Err(Unhandled::OtherCustomer(SENDERS.variable));
    }
    match Family::parse(&kind) {
        Family::Transactions => fields.transaction(&kind, settings),
        Family::Transfers => {
            let object = if fields.notification.is_present() { fields.notification } else { fields.transfer };
            let suffix = kind.strip_prefix("transfers.");
            transfer::interpret(object, suffix, extract::time(fields.timestamp, "timestamp")?)
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

impl Fields<'_> {
    fn transaction(&self, kind: &str, settings: &Settings) -> Outcome {
        let transaction: Transaction<'_> = self.notification.fields();
        let id = extract::id(Provider::Circle, transaction.id, "notification.id")?;
        let at = transaction.update_date.time();
        let account = transfer::wallet(transaction.wallet_id, "notification.walletId")?;
        let direction = transaction.direction(kind)?;
        let status = transaction.status()?;
        let kind = transfer::posted(account, direction, transaction.amount(settings)?, status);
        let at = at.map_or_else(|| extract::time(self.timestamp, "timestamp"), Ok)?;
        let hash = transfer::arrival(direction, transaction.tx_hash);
        let transfer = Fact { subject: Subject::Transfer(id), at, kind };
        Ok(extract::coin_transfer(transfer, status, (hash, CoinSide::Received)))
    }
}

impl Transaction<'_> {
    fn direction(&self, kind: &str) -> Result<Direction, Unhandled> {
        let transaction_type = self.transaction_type.text();
        match (kind, transaction_type.as_deref()) {
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
            // The reference says COMPLETE; COMPLETED occurs too.
            Some("COMPLETE" | "COMPLETED") => Ok(TransferStatus::Settled),
            Some("FAILED" | "CANCELLED" | "CANCELED" | "DENIED") => Ok(TransferStatus::Failed),
            _ => Err(Unhandled::UnknownStatus("notification.state")),
        }
    }

    /// The sum of the amounts, of a token that is known to be a currency.
    fn amount(&self, settings: &Settings) -> Result<Money, Unhandled> {
        const NAME: &str = "notification.amounts";
        let currency = self.currency(settings)?;
        let amounts: Vec<&RawValue> = self.amounts.fields();
        let mut sum = Decimal::ZERO;
        for amount in amounts {
            let amount = extract::number(Field::from(amount), NAME)?;
            sum = sum.checked_add(amount).ok_or(extract::unreadable(NAME, "the sum is out of range"))?;
        }
        extract::positive(sum, currency, NAME)
    }

    fn currency(&self, settings: &Settings) -> Result<Currency, Unhandled> {
        let unknown = Unhandled::Token(USDC_TOKEN_IDS.variable);
        let Some(token) = self.token_id.text() else { return Err(unknown) };
        settings
            .list(&USDC_TOKEN_IDS)
            .iter()
            .any(|id| **id == *token)
            .then_some(Currency::Usdc)
            .ok_or(unknown)
    }
}
