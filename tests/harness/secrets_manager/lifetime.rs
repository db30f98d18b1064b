//! DeleteSecret and RestoreSecret.

use serde_json::{Value, json};

use super::account::{Account, arn};
use super::input::Input;
use super::operation::Operation;
use super::secret::seconds;
use super::service_error::ServiceError;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
const WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
const WINDOW_DAYS_DEFAULT: i64 = 30;

pub(super) fn delete(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let id = input.secret_id()?;
    match (input.flag("ForceDeleteWithoutRecovery")?, input.integer("RecoveryWindowInDays")?) {
        (true, Some(_)) => Err(ServiceError::parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )),
        (true, None) => Ok(delete_now(account, id)),
        (false, days) => schedule_deletion(account, id, days.unwrap_or(WINDOW_DAYS_DEFAULT)),
    }
}

/// Deletes a secret at once. A missing secret is no error.
fn delete_now(account: &mut Account, id: &str) -> Value {
    let now = seconds(account.now_ms());
    let Ok((name, full_arn)) = account.find(id).map(|secret| (secret.name.clone(), secret.arn.clone()))
    else {
        let suffix = account.suffix();
        return json!({ "ARN": arn(id, &suffix), "Name": id, "DeletionDate": now });
    };
    account.remove(&name);
    account.record_labels(Operation::DeleteSecret, &name);
    json!({ "ARN": full_arn, "Name": name, "DeletionDate": now })
}

fn schedule_deletion(account: &mut Account, id: &str, days: i64) -> Result<Value, ServiceError> {
    if !WINDOW_DAYS.contains(&days) {
        return Err(ServiceError::parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let deletion_ms = account.now_ms() + days * DAY_MS;
    let secret = account.find_active_mut(id)?;
    secret.deletion_ms = Some(deletion_ms);
    let mut members = secret.identity();
    members.insert("DeletionDate".to_owned(), seconds(deletion_ms));
    Ok(Value::Object(members))
}

/// AWS documents no error for a secret that is not marked for deletion, so there is none here.
pub(super) fn restore(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let secret = account.find_mut(input.secret_id()?)?;
    secret.deletion_ms = None;
    Ok(Value::Object(secret.identity()))
}
