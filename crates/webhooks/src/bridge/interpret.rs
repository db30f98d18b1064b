//! What events of Bridge mean. `event_object` is a snapshot of the whole object, so each event is interpreted by itself.

mod customer;
mod deposit;
mod transfer;

use domain::TransferStatus;
use jiff::Timestamp;
use serde::Deserialize;

use super::category::{Category, Mutation};
use super::envelope::full_type;
use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    event_category: Field<'a>,
    event_type: Field<'a>,
    event_object_id: Field<'a>,
    event_object_status: Field<'a>,
    event_object: Field<'a>,
    event_created_at: Field<'a>,
}

/// What every event has.
struct Event<'a> {
    mutation: Mutation,
    object_id: Field<'a>,
    object_status: Field<'a>,
    object: Field<'a>,
    at: Timestamp,
}

pub(super) fn interpret(body: &[u8]) -> Outcome {
    let fields: Fields<'_> = extract::fields(body)?;
    let (category, mutation) = Category::parse(&full_type(fields.event_category, fields.event_type));
    let event = || {
        Ok::<_, Unhandled>(Event {
            mutation,
            object_id: fields.event_object_id,
            object_status: fields.event_object_status,
            object: fields.event_object,
            at: extract::time(fields.event_created_at, "event_created_at")?,
        })
    };
    match category {
        Category::Customer => customer::interpret(&event()?),
        Category::Transfer => transfer::interpret(&event()?),
        Category::LiquidationAddressDrain => transfer::interpret_drain(&event()?),
        Category::VirtualAccountActivity | Category::StaticMemoActivity => deposit::interpret(&event()?),
        Category::KycLink => {
            Err(Unhandled::NoEffect("an identity check, which the customer's status reports"))
        }
        Category::CardAccount => Err(Unhandled::NoEffect("a card's account")),
        Category::CardTransaction => Err(Unhandled::NoEffect("a card payment that is not posted yet")),
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
