//! Deposits into virtual accounts and by memo.

use domain::{Booking, Direction, Fact, Money, Provider, Subject, TransferStatus, What};
use serde::Deserialize;

use super::Event;
use crate::bridge::Mutation;
use crate::content::Field;
use crate::meaning::{Read, Unhandled, reader};

/// One step of a deposit (apidocs.bridge.xyz/platform/orchestration/virtual_accounts/virtual-account-events); the steps of
/// one deposit have one `deposit_id`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Activity<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    r#type: Field<'a>,
    status: Field<'a>,
    deposit_id: Field<'a>,
    customer_id: Field<'a>,
    amount: Field<'a>,
    currency: Field<'a>,
    receipt: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Receipt<'a> {
    #[serde(borrow)]
    final_amount: Field<'a>,
}

/// How far a deposit is, and whether the step tells what arrives in the end.
struct Step {
    status: TransferStatus,
    tells_amount: bool,
}

pub(super) fn read(event: &Event<'_>) -> Read {
    let activity: Activity<'_> = event.object.fields();
    let step = activity.step(event)?;
    let id = [activity.deposit_id, activity.id, event.object_id].into_iter().find(|id| id.is_there());
    let id = reader::id(Provider::Bridge, id.unwrap_or_default(), "event_object.deposit_id")?;
    let what = What::Transfer {
        account: Some(reader::id(Provider::Bridge, activity.customer_id, "event_object.customer_id")?),
        direction: Some(Direction::Inbound),
        amount: if step.tells_amount { activity.amount()? } else { None },
        status: step.status,
        booking: Booking::Books,
    };
    Ok(Fact { subject: Subject::Transfer(id), at: event.at, what }.into())
}

impl Activity<'_> {
    fn step(&self, event: &Event<'_>) -> Result<Step, Unhandled> {
        let of_seed = match &event.mutation {
            Mutation::Other(other) => Some(&**other),
            Mutation::Created | Mutation::Updated | Mutation::StatusTransitioned | Mutation::Deleted => None,
        };
        let told = self.r#type.text();
        let told = of_seed.filter(|name| name.starts_with("deposit.")).or(told.as_deref());
        let status = self.status.text();
        let (status, tells_amount) = match told.or(status.as_deref()).unwrap_or_default() {
            // What was sent, before fees and in the sender's currency.
            "funds_scheduled" | "funds_received" | "in_review" | "deposit.received" => {
                (TransferStatus::Pending, false)
            }
            "payment_submitted" => (TransferStatus::Pending, true),
            "payment_processed" | "deposit.completed" => (TransferStatus::Settled, true),
            "refund" | "refunded" | "refund_in_flight" | "refund_failed" | "returned" => {
                (TransferStatus::Returned, false)
            }
            "account_update" | "deactivation" | "reactivation" | "microdeposit" => {
                return Err(Unhandled::NoEffect("a change of the virtual account"));
            }
            _ => return Err(Unhandled::UnknownStatus("event_object.type")),
        };
        Ok(Step { status, tells_amount })
    }

    /// What arrives, fees taken off: the receipt's last amount, or `amount`, which is that from `payment_submitted` on.
    fn amount(&self) -> Result<Option<Money>, Unhandled> {
        let receipt: Receipt<'_> = self.receipt.fields();
        let told = if receipt.final_amount.is_there() { receipt.final_amount } else { self.amount };
        let amount = reader::number(told, "event_object.amount")?;
        let currency = reader::currency(self.currency)?;
        reader::positive(amount, currency, "event_object.amount").map(Some)
    }
}
