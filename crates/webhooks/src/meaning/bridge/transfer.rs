//! Transfers between money and tokens.

use domain::{Booking, Currency, Direction, Fact, Money, Provider, Subject, TransferStatus, What};
use serde::Deserialize;

use super::Event;
use crate::bridge::Mutation;
use crate::content::Field;
use crate::meaning::{Read, Unhandled, reader};

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

/// Where money comes from or goes to.
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
}

pub(super) fn read(event: &Event<'_>) -> Read {
    let transfer: Transfer<'_> = event.object.fields();
    transfer.fact(event, Booking::Books)
}

/// Tokens that arrive at an address and are paid on. When they end in a wallet at Bridge they are a deposit; else they
/// pass through, and whoever sent them has booked them: they are kept to compare.
pub(super) fn read_drain(event: &Event<'_>) -> Read {
    let transfer: Transfer<'_> = event.object.fields();
    let destination: End<'_> = transfer.destination.fields();
    let booking = if destination.is_wallet() { Booking::Books } else { Booking::Memo };
    transfer.fact(event, booking)
}

impl Transfer<'_> {
    fn fact(&self, event: &Event<'_>, booking: Booking) -> Read {
        let id = if self.id.is_there() { self.id } else { event.object_id };
        let id = reader::id(Provider::Bridge, id, "event_object.id")?;
        let status = self.status(event)?;
        let (direction, amount) = self.money()?;
        let account = if self.on_behalf_of.is_there() { self.on_behalf_of } else { self.customer_id };
        let what = What::Transfer {
            account: reader::id_if_there(Provider::Bridge, account, "event_object.on_behalf_of")?,
            direction: Some(direction),
            amount,
            status,
            booking,
        };
        Ok(Fact { subject: Subject::Transfer(id), at: event.at, what }.into())
    }

    /// The object's own state; in its absence the envelope's; in its absence what the seed's server put into the type.
    fn status(&self, event: &Event<'_>) -> Result<TransferStatus, Unhandled> {
        let told = [self.state, self.status, event.object_status].into_iter().find_map(Field::text);
        let of_type = match &event.mutation {
            Mutation::Other(other) => Some(&**other),
            Mutation::Created | Mutation::Updated | Mutation::StatusTransitioned | Mutation::Deleted => None,
        };
        let state = told.as_deref().or(of_type).unwrap_or_default();
        super::transfer_status(state).ok_or(Unhandled::UnknownStatus("event_object.state"))
    }

    /// Money that becomes tokens comes in, and counts as what arrives; tokens that become money go out, and count as
    /// what leaves. Between two tokens, the wallet at Bridge is the account. Anything else is not guessed.
    fn money(&self) -> Result<(Direction, Option<Money>), Unhandled> {
        let (source, destination): (End<'_>, End<'_>) = (self.source.fields(), self.destination.fields());
        let from =
            reader::currency(if source.currency.is_there() { source.currency } else { self.currency })?;
        let to = reader::currency(destination.currency)?;
        let is_inbound = match (is_token(from), is_token(to)) {
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
            let told = if receipt.initial_amount.is_there() { receipt.initial_amount } else { self.amount };
            Ok((Direction::Outbound, amount(told, from, "amount")?))
        }
    }
}

/// Nothing while it is not known: it can depend on what arrives.
fn amount(field: Field<'_>, currency: Currency, name: &'static str) -> Result<Option<Money>, Unhandled> {
    let amount = reader::number_if_there(field, name)?.filter(|amount| !amount.is_zero());
    amount.map(|amount| reader::positive(amount, currency, name)).transpose()
}

fn is_token(currency: Currency) -> bool {
    match currency {
        Currency::Usdc | Currency::Eurc | Currency::Usdt | Currency::Usdb | Currency::Pyusd => true,
        Currency::Usd | Currency::Eur | Currency::Gbp | Currency::Mxn | Currency::Brl => false,
    }
}

impl End<'_> {
    fn is_wallet(&self) -> bool {
        self.payment_rail.text().as_deref() == Some("bridge_wallet")
    }
}
