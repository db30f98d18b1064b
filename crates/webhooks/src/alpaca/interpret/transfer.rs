//! Money in and out, as the broker's transfers report it.

use domain::{Direction, Fact, FactKind, PostingMode, Provider, Subject, TransferStatus};
use serde::Deserialize;

use super::currency::CurrencyFields;
use crate::alpaca::settings::{CASH, TRANSFERS};
use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;
use crate::settings::Settings;

/// The event of either stream. The broker's has neither direction nor amount; a relay may add them.
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
    swap_rate: Field<'a>,
    swap_fee_bps: Field<'a>,
}

pub(super) fn interpret(body: &[u8], settings: &Settings) -> Outcome {
    let event: Event<'_> = extract::fields(body)?;
    match event.entity_type.text().as_deref() {
        None | Some("Transfer") => {}
        Some("BankRelationship" | "WireBank" | "FundingWallet") => {
            return Err(Unhandled::NoEffect("a way of funding"));
        }
        Some(_) => return Err(Unhandled::UnknownType),
    }
    let id = if event.transfer_id.is_present() { event.transfer_id } else { event.entity_id };
    let transfer = extract::id(Provider::Alpaca, id, "transfer_id")?;
    let kind = FactKind::Transfer {
        account: extract::id_if_present(Provider::Alpaca, event.account_id, "account_id")?,
        direction: event.direction()?,
        amount: event.amount()?,
        status: event.status()?,
        posting_mode: if settings.is(&CASH, TRANSFERS) { PostingMode::Post } else { PostingMode::Memo },
    };
    Ok(Fact { subject: Subject::Transfer(transfer), at: extract::time(event.at, "at")?, kind }.into())
}

impl Event<'_> {
    fn direction(&self) -> Result<Option<Direction>, Unhandled> {
        match self.direction.text().as_deref() {
            None | Some("") => Ok(None),
            Some("INCOMING") => Ok(Some(Direction::Inbound)),
            Some("OUTGOING") => Ok(Some(Direction::Outbound)),
            Some(_) => Err(extract::unreadable("direction", "it is neither INCOMING nor OUTGOING")),
        }
    }

    fn amount(&self) -> Result<Option<domain::Money>, Unhandled> {
        let Some(amount) = extract::number_if_present(self.amount, "amount")? else { return Ok(None) };
        let currency = CurrencyFields::new(self.currency, self.swap_rate, self.swap_fee_bps).currency()?;
        extract::positive(amount, currency, "amount").map(Some)
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
