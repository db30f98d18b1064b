//! Standing of customers.

use domain::{AccountStatus, Fact, Provider, Subject, What};
use serde::Deserialize;

use super::Event;
use crate::bridge::Mutation;
use crate::content::Field;
use crate::meaning::{Read, Unhandled, reader};

/// Of a customer, only the standing is read: the rest names a person.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Customer<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    status: Field<'a>,
}

pub(super) fn read(event: &Event<'_>) -> Read {
    let customer: Customer<'_> = event.object.fields();
    let id = if customer.id.is_there() { customer.id } else { event.object_id };
    let account = reader::id(Provider::Bridge, id, "event_object.id")?;
    let status = status(event, &customer)?;
    Ok(Fact { subject: Subject::Account(account), at: event.at, what: What::Account { status } }.into())
}

fn status(event: &Event<'_>, customer: &Customer<'_>) -> Result<AccountStatus, Unhandled> {
    match &event.mutation {
        Mutation::Deleted => return Ok(AccountStatus::Closed),
        // As the seed's server names them.
        Mutation::Other(other) if &**other == "kyc.approved" => return Ok(AccountStatus::Approved),
        Mutation::Other(other) if &**other == "kyc.rejected" => return Ok(AccountStatus::Rejected),
        Mutation::Created | Mutation::Updated | Mutation::StatusTransitioned | Mutation::Other(_) => {}
    }
    let told = [customer.status, event.object_status].into_iter().find_map(Field::text);
    match told.as_deref().unwrap_or_default() {
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
