//! What events of Bridge mean. `event_object` is a snapshot of the whole object, so each event is read for itself.

mod customer;
mod deposit;
mod transfer;

use domain::TransferStatus;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Read, Unhandled, reader};
use crate::bridge::{Category, Mutation, full_type};
use crate::content::Field;

/// The envelope.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    event_category: Field<'a>,
    event_type: Field<'a>,
    event_object_id: Field<'a>,
    event_object_status: Field<'a>,
    event_object: Field<'a>,
    event_created_at: Field<'a>,
}

/// What is common to every event.
struct Event<'a> {
    mutation: Mutation,
    object_id: Field<'a>,
    object_status: Field<'a>,
    object: Field<'a>,
    at: Timestamp,
}

pub(super) fn read(body: &[u8]) -> Read {
    let envelope: Envelope<'_> = reader::fields(body)?;
    let full_type = full_type(envelope.event_category.plain(), envelope.event_type.plain());
    let (category, mutation) = Category::of(&full_type);
    let event = || {
        Ok::<_, Unhandled>(Event {
            mutation,
            object_id: envelope.event_object_id,
            object_status: envelope.event_object_status,
            object: envelope.event_object,
            at: reader::time(envelope.event_created_at, "event_created_at")?,
        })
    };
    match category {
        Category::Customer => customer::read(&event()?),
        Category::Transfer => transfer::read(&event()?),
        Category::LiquidationAddressDrain => transfer::read_drain(&event()?),
        Category::VirtualAccountActivity | Category::StaticMemoActivity => deposit::read(&event()?),
        Category::KycLink => {
            Err(Unhandled::NoEffect("an identity check, of which the customer's status tells"))
        }
        Category::CardAccount => Err(Unhandled::NoEffect("a card's account")),
        Category::CardTransaction => Err(Unhandled::NoEffect("a card payment that is not booked yet")),
        Category::PostedCardAccountTransaction => Err(Unhandled::ByHand("a card payment")),
        Category::CardWithdrawal => Err(Unhandled::ByHand("a withdrawal from a card")),
        Category::Unknown(_) => Err(Unhandled::UnknownType),
    }
}

/// States of transfers and drains (apidocs.bridge.xyz/platform/orchestration/transfers/transfer-states).
fn transfer_status(state: &str) -> Option<TransferStatus> {
    Some(match state {
        "awaiting_funds" | "in_review" | "funds_received" | "payment_submitted" | "pending" => {
            TransferStatus::Pending
        }
        "payment_processed" | "completed" => TransferStatus::Settled,
        "undeliverable" | "canceled" | "error" | "failed" => TransferStatus::Failed,
        "returned" | "refund_in_flight" | "refund_failed" | "refunded" | "missing_return_policy" => {
            TransferStatus::Returned
        }
        _ => return None,
    })
}
