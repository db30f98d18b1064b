//! Status of accounts.

use domain::{AccountStatus, Fact, FactKind, Provider, Subject};
use serde::Deserialize;

use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;

/// The event, in the shape of the stream (`status_to`) and in the one of older relays (`status`).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    account_id: Field<'a>,
    at: Field<'a>,
    status_to: Field<'a>,
    status: Field<'a>,
    account_blocked: Field<'a>,
    trading_blocked: Field<'a>,
}

pub(super) fn interpret(body: &[u8]) -> Outcome {
    let event: Event<'_> = extract::fields(body)?;
    let text = [event.status_to, event.status].into_iter().find_map(Field::text);
    let text =
        text.filter(|text| !text.is_empty()).ok_or(Unhandled::NoEffect("a change other than of status"))?;
    let mut status = status(&text).ok_or(Unhandled::UnknownStatus("status_to"))?;
    let is_blocked = event.account_blocked.is_true() || event.trading_blocked.is_true();
    if status == AccountStatus::Active && is_blocked {
        status = AccountStatus::Restricted;
    }
    let account = extract::id(Provider::Alpaca, event.account_id, "account_id")?;
    let at = extract::time(event.at, "at")?;
    Ok(Fact { subject: Subject::Account(account), at, kind: FactKind::Account { status } }.into())
}

/// The statuses of docs.alpaca.markets/reference (`AccountStatus`).
fn status(text: &str) -> Option<AccountStatus> {
    Some(match text {
        "ONBOARDING" | "SIGNED_UP" | "SUBMITTED" | "RESUBMITTED" | "KYC_SUBMITTED" => {
            AccountStatus::Submitted
        }
        "SUBMISSION_FAILED" | "ACTION_REQUIRED" | "EDITED" | "ACCOUNT_UPDATED" | "APPROVAL_PENDING"
        | "REAPPROVAL_PENDING" | "AML_REVIEW" => AccountStatus::InReview,
        "APPROVED" => AccountStatus::Approved,
        "ACTIVE" => AccountStatus::Active,
        "LIMITED" | "PAPER_ONLY" | "DISABLE_PENDING" | "DISABLED" | "INACTIVE" => AccountStatus::Restricted,
        "REJECTED" => AccountStatus::Rejected,
        "ACCOUNT_CLOSED" => AccountStatus::Closed,
        _ => return None,
    })
}
