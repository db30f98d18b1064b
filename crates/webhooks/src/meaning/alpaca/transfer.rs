//! Money in and out, as the broker's transfers tell it.

use domain::{Booking, Currency, Direction, Fact, Provider, Subject, TransferStatus, What};
use serde::Deserialize;

use crate::content::Field;
use crate::meaning::{AlpacaCash, Read, Reading, Unhandled, reader};

/// The event of either stream. The vendor's names neither direction nor amount; a relay may add them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    account_id: Field<'a>,
    at: Field<'a>,
    status_to: Field<'a>,
    transfer_id: Field<'a>,
    entity_type: Field<'a>,
    entity_id: Field<'a>,
    direction: Field<'a>,
    amount: Field<'a>,
    currency: Field<'a>,
}

pub(super) fn read(body: &[u8], reading: &Reading) -> Read {
    let event: Event<'_> = reader::fields(body)?;
    match event.entity_type.text().as_deref() {
        None | Some("Transfer") => {}
        Some("BankRelationship" | "WireBank" | "FundingWallet") => {
            return Err(Unhandled::NoEffect("a way of funding"));
        }
        Some(_) => return Err(Unhandled::UnknownType),
    }
    let id = if event.transfer_id.is_there() { event.transfer_id } else { event.entity_id };
    let transfer = reader::id(Provider::Alpaca, id, "transfer_id")?;
    let what = What::Transfer {
        account: reader::id_if_there(Provider::Alpaca, event.account_id, "account_id")?,
        direction: event.direction()?,
        amount: event.amount()?,
        status: event.status()?,
        booking: match reading.alpaca_cash {
            AlpacaCash::Activities => Booking::Memo,
            AlpacaCash::Transfers => Booking::Books,
        },
    };
    Ok(Fact { subject: Subject::Transfer(transfer), at: reader::time(event.at, "at")?, what }.into())
}

impl Event<'_> {
    fn direction(&self) -> Result<Option<Direction>, Unhandled> {
        match self.direction.text().as_deref() {
            None | Some("") => Ok(None),
            Some("INCOMING") => Ok(Some(Direction::Inbound)),
            Some("OUTGOING") => Ok(Some(Direction::Outbound)),
            Some(_) => Err(reader::unreadable("direction", "it is INCOMING or OUTGOING")),
        }
    }

    fn amount(&self) -> Result<Option<domain::Money>, Unhandled> {
        let Some(amount) = reader::number_if_there(self.amount, "amount")? else { return Ok(None) };
        let currency =
            if self.currency.is_there() { reader::currency(self.currency)? } else { Currency::Usd };
        reader::positive(amount, currency, "amount").map(Some)
    }

    /// The statuses of docs.alpaca.markets/reference (`TransferStatus`).
    fn status(&self) -> Result<TransferStatus, Unhandled> {
        match self.status_to.text().as_deref() {
            Some("QUEUED" | "APPROVAL_PENDING" | "PENDING" | "SENT_TO_CLEARING" | "APPROVED") => {
                Ok(TransferStatus::Pending)
            }
            Some("COMPLETE") => Ok(TransferStatus::Settled),
            Some("REJECTED" | "CANCELED" | "FAILED") => Ok(TransferStatus::Failed),
            Some("RETURNED") => Ok(TransferStatus::Returned),
            _ => Err(Unhandled::UnknownStatus("status_to")),
        }
    }
}
