//! A secret's end: planned, taken back, or at once.

use serde_json::{Value, json};

use super::account::{Account, arn};
use super::input::Input;
use super::operation::Operation;
use super::refusal::Refusal;
use super::secret::seconds;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
const WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
const WINDOW_DAYS_DEFAULT: i64 = 30;

pub(super) fn delete(account: &mut Account, input: &Input) -> Result<Value, Refusal> {
    let id = input.secret_id()?;
    match (input.flag("ForceDeleteWithoutRecovery")?, input.integer("RecoveryWindowInDays")?) {
        (true, Some(_)) => Err(Refusal::parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )),
        (true, None) => Ok(end_now(account, id)),
        (false, days) => plan_end(account, id, days.unwrap_or(WINDOW_DAYS_DEFAULT)),
    }
}

/// Ends a secret at once. That there is none is no error.
fn end_now(account: &mut Account, id: &str) -> Value {
    let now = seconds(account.now_ms());
    let Ok((name, full_arn)) = account.find(id).map(|secret| (secret.name.clone(), secret.arn.clone()))
    else {
        let suffix = account.suffix();
        return json!({ "ARN": arn(id, &suffix), "Name": id, "DeletionDate": now });
    };
    account.remove(&name);
    account.note(Operation::DeleteSecret, &name);
    json!({ "ARN": full_arn, "Name": name, "DeletionDate": now })
}

fn plan_end(account: &mut Account, id: &str, days: i64) -> Result<Value, Refusal> {
    if !WINDOW_DAYS.contains(&days) {
        return Err(Refusal::parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let ends_ms = account.now_ms() + days * DAY_MS;
    let secret = account.living_mut(id)?;
    secret.ends_ms = Some(ends_ms);
    let mut members = secret.identity();
    members.insert("DeletionDate".to_owned(), seconds(ends_ms));
    Ok(Value::Object(members))
}

/// Takes a planned end back. AWS documents no error for a secret that is not to end, so there is none here.
pub(super) fn restore(account: &mut Account, input: &Input) -> Result<Value, Refusal> {
    let secret = account.find_mut(input.secret_id()?)?;
    secret.ends_ms = None;
    Ok(Value::Object(secret.identity()))
}
