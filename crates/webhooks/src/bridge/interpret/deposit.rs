//! Deposits into virtual accounts and by memo.

use domain::{CoinSide, Direction, Fact, FactKind, Money, PostingMode, Provider, Subject, TransferStatus};
use serde::Deserialize;

use super::Event;
use crate::bridge::category::Mutation;
use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;

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
    destination_tx_hash: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Receipt<'a> {
    #[serde(borrow)]
    final_amount: Field<'a>,
}

/// The status of a deposit, and whether the step has the amount that finally arrives.
struct Step {
    status: TransferStatus,
    has_amount: bool,
}

pub(super) fn interpret(event: &Event<'_>) -> Outcome {
    let activity: Activity<'_> = event.object.fields();
    let step = activity.step(event)?;
    let id = [activity.deposit_id, activity.id, event.object_id].into_iter().find(|id| id.is_present());
    let id = extract::id(Provider::Bridge, id.unwrap_or_default(), "event_object.deposit_id")?;
    let kind = FactKind::Transfer {
        account: Some(extract::id(Provider::Bridge, activity.customer_id, "event_object.customer_id")?),
        direction: Some(Direction::Inbound),
        amount: if step.has_amount { activity.amount()? } else { None },
        status: step.status,
        posting_mode: PostingMode::Post,
    };
    let deposit = Fact { subject: Subject::Transfer(id), at: event.at, kind };
    Ok(extract::coin_transfer(deposit, step.status, (activity.destination_tx_hash, CoinSide::Sent)))
}

impl Activity<'_> {
    fn step(&self, event: &Event<'_>) -> Result<Step, Unhandled> {
        let mutation = match &event.mutation {
            Mutation::Other(other) => Some(&**other),
            Mutation::Created | Mutation::Updated | Mutation::StatusTransitioned | Mutation::Deleted => None,
        };
        let kind = self.r#type.text();
        // Earlier relays put the step into the event's type.
        let kind = mutation.filter(|name| name.starts_with("deposit.")).or(kind.as_deref());
        let status = self.status.text();
        let (status, has_amount) = match kind.or(status.as_deref()).unwrap_or_default() {
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
        Ok(Step { status, has_amount })
    }

    /// What arrives after fees: the receipt's final amount, or `amount`, which is the same from `payment_submitted` on. Then the
    /// currency is the one that is paid out: money cannot be in a transaction of a blockchain, and which token it is would be a guess.
    fn amount(&self) -> Result<Option<Money>, Unhandled> {
        let receipt: Receipt<'_> = self.receipt.fields();
        let amount = if receipt.final_amount.is_present() { receipt.final_amount } else { self.amount };
        let amount = extract::number(amount, "event_object.amount")?;
        let currency = extract::currency(self.currency)?;
        if self.destination_tx_hash.is_present() && !currency.is_token() {
            return Err(Unhandled::Currency);
        }
        extract::positive(amount, currency, "event_object.amount").map(Some)
    }
}
