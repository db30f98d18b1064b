//! Status of customers.

use domain::{AccountStatus, Fact, FactKind, Provider, Subject};
use serde::Deserialize;

use super::Event;
use crate::bridge::category::Mutation;
use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;

/// Only the status of a customer is parsed: the rest names a person.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Customer<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    status: Field<'a>,
}

pub(super) fn interpret(event: &Event<'_>) -> Outcome {
    let customer: Customer<'_> = event.object.fields();
    let id = if customer.id.is_present() { customer.id } else { event.object_id };
    let account = extract::id(Provider::Bridge, id, "event_object.id")?;
    let status = status(event, &customer)?;
    Ok(Fact { subject: Subject::Account(account), at: event.at, kind: FactKind::Account { status } }.into())
}

fn status(event: &Event<'_>, customer: &Customer<'_>) -> Result<AccountStatus, Unhandled> {
    match &event.mutation {
        Mutation::Deleted => return Ok(AccountStatus::Closed),
        // As earlier relays name them.
        Mutation::Other(other) if &**other == "kyc.approved" => return Ok(AccountStatus::Approved),
        Mutation::Other(other) if &**other == "kyc.rejected" => return Ok(AccountStatus::Rejected),
        Mutation::Created | Mutation::Updated | Mutation::StatusTransitioned | Mutation::Other(_) => {}
    }
    let status = [customer.status, event.object_status].into_iter().find_map(Field::text);
    match status.as_deref().unwrap_or_default() {
        "not_started" | "incomplete" | "awaiting_questionnaire" | "awaiting_ubo" => {
            Ok(AccountStatus::Submitted)
        }
        "under_review" | "manual_review" | "pending" => Ok(AccountStatus::InReview),
        "approved" => Ok(AccountStatus::Approved),
        "active" => Ok(AccountStatus::Active),
        "paused" => Ok(AccountStatus::Restricted),
        "rejected" => Ok(AccountStatus::Rejected),
        "offboarded" => Ok(AccountStatus::Closed),
        _ => Err(Unhandled::UnknownStatus("event_object.status")),
    }
}
