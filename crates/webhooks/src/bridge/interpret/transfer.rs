//! Transfers between money and tokens.

use domain::{
    CoinSide, Currency, Direction, Fact, FactKind, Money, PostingMode, Provider, Subject, TransferStatus,
};
use serde::Deserialize;

use super::Event;
use crate::bridge::category::Mutation;
use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Transfer<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    state: Field<'a>,
    status: Field<'a>,
    on_behalf_of: Field<'a>,
    customer_id: Field<'a>,
    amount: Field<'a>,
    currency: Field<'a>,
    source: Field<'a>,
    destination: Field<'a>,
    receipt: Field<'a>,
}

/// The source or destination of a transfer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct End<'a> {
    #[serde(borrow)]
    payment_rail: Field<'a>,
    currency: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Receipt<'a> {
    #[serde(borrow)]
    initial_amount: Field<'a>,
    final_amount: Field<'a>,
    destination_tx_hash: Field<'a>,
}

pub(super) fn interpret(event: &Event<'_>) -> Outcome {
    let transfer: Transfer<'_> = event.object.fields();
    transfer.fact(event, PostingMode::Post)
}

/// Tokens that arrive at an address and are forwarded. In a wallet at Bridge they are a deposit; elsewhere they only pass through,
/// and their sender has posted them: they are kept for comparison.
pub(super) fn interpret_drain(event: &Event<'_>) -> Outcome {
    let transfer: Transfer<'_> = event.object.fields();
    let destination: End<'_> = transfer.destination.fields();
    let posting_mode = if destination.is_wallet() { PostingMode::Post } else { PostingMode::Memo };
    transfer.fact(event, posting_mode)
}

impl Transfer<'_> {
    fn fact(&self, event: &Event<'_>, posting_mode: PostingMode) -> Outcome {
        let id = if self.id.is_present() { self.id } else { event.object_id };
        let id = extract::id(Provider::Bridge, id, "event_object.id")?;
        let status = self.status(event)?;
        let (direction, amount) = self.money()?;
        let account = if self.on_behalf_of.is_present() { self.on_behalf_of } else { self.customer_id };
        let destination: End<'_> = self.destination.fields();
        let receipt: Receipt<'_> = self.receipt.fields();
        let hash = if destination.is_wallet() { Field::default() } else { receipt.destination_tx_hash };
        let kind = FactKind::Transfer {
            account: extract::id_if_present(Provider::Bridge, account, "event_object.on_behalf_of")?,
            direction: Some(direction),
            amount,
            status,
            posting_mode,
        };
        let transfer = Fact { subject: Subject::Transfer(id), at: event.at, kind };
        Ok(extract::coin_transfer(transfer, status, (hash, CoinSide::Sent)))
    }

    /// The object's own state; else the envelope's; else what earlier relays put into the type.
    fn status(&self, event: &Event<'_>) -> Result<TransferStatus, Unhandled> {
        let state = [self.state, self.status, event.object_status].into_iter().find_map(Field::text);
        let mutation = match &event.mutation {
            Mutation::Other(other) => Some(&**other),
            Mutation::Created | Mutation::Updated | Mutation::StatusTransitioned | Mutation::Deleted => None,
        };
        let state = state.as_deref().or(mutation).unwrap_or_default();
        super::transfer_status(state).ok_or(Unhandled::UnknownStatus("event_object.state"))
    }

    /// Money that becomes tokens is inbound, with the amount that arrives; tokens that become money are outbound, with the amount
    /// that leaves. Between two tokens, the wallet at Bridge is the account. Anything else is not guessed.
    fn money(&self) -> Result<(Direction, Option<Money>), Unhandled> {
        let (source, destination): (End<'_>, End<'_>) = (self.source.fields(), self.destination.fields());
        let from =
            extract::currency(if source.currency.is_present() { source.currency } else { self.currency })?;
        let to = extract::currency(destination.currency)?;
        let is_inbound = match (from.is_token(), to.is_token()) {
            (false, true) => true,
            (true, false) => false,
            (true, true) if destination.is_wallet() != source.is_wallet() => destination.is_wallet(),
            (true, true) | (false, false) => {
                return Err(Unhandled::ByHand("a transfer that neither enters nor leaves"));
            }
        };
        let receipt: Receipt<'_> = self.receipt.fields();
        if is_inbound {
            Ok((Direction::Inbound, amount(receipt.final_amount, to, "receipt.final_amount")?))
        } else {
            let sent = if receipt.initial_amount.is_present() { receipt.initial_amount } else { self.amount };
            Ok((Direction::Outbound, amount(sent, from, "amount")?))
        }
    }
}

/// `None` while it is not known: it can depend on what arrives.
fn amount(field: Field<'_>, currency: Currency, name: &'static str) -> Result<Option<Money>, Unhandled> {
    let amount = extract::number_if_present(field, name)?.filter(|amount| !amount.is_zero());
    amount.map(|amount| extract::positive(amount, currency, name)).transpose()
}

impl End<'_> {
    fn is_wallet(&self) -> bool {
        self.payment_rail.text().as_deref() == Some("bridge_wallet")
    }
}
