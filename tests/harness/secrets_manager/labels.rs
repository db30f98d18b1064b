//! UpdateSecretVersionStage, RotateSecret, DescribeSecret and ListSecretVersionIds.

use serde_json::{Value, json};

use super::account::Account;
use super::input::Input;
use super::listing::{self, VERSIONS_PAGE_MAX};
use super::operation::Operation;
use super::secret::{CURRENT, Secret, Version, seconds};
use super::service_error::ServiceError;

pub(super) fn move_label(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    input.required("VersionStage")?;
    let label = input.label()?.unwrap_or_default();
    let to = input.version_id("MoveToVersionId")?;
    let from = input.version_id("RemoveFromVersionId")?;
    let now_ms = account.now_ms();
    let secret = account.find_active_mut(input.secret_id()?)?;
    check_move(secret, label, to, from)?;
    match to {
        Some(to) => secret.attach(label, to),
        None => secret.detach(label),
    }
    secret.changed_ms = now_ms;
    let members = secret.identity();
    let name = secret.name.clone();
    account.record_labels(Operation::UpdateSecretVersionStage, &name);
    Ok(Value::Object(members))
}

/// A label moves only when the request names the version that has it: compare and swap.
fn check_move(
    secret: &Secret,
    label: &str,
    to: Option<&str>,
    from: Option<&str>,
) -> Result<(), ServiceError> {
    if to.is_none() && from.is_none() {
        return Err(ServiceError::parameter("You must specify MoveToVersionId or RemoveFromVersionId."));
    }
    if let Some(id) = [to, from].into_iter().flatten().find(|id| secret.version(id).is_none()) {
        return Err(ServiceError::not_found(format!(
            "Secrets Manager can't find the specified secret version: {id}."
        )));
    }
    let holder = secret.labelled(label).map(|version| version.id.as_str());
    match (holder, from) {
        (Some(holder), None) if to != Some(holder) => Err(ServiceError::parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to \
             version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        ))),
        (holder, Some(from)) if holder != Some(from) => Err(ServiceError::parameter(format!(
            "The staging label {label} is not attached to version {from}."
        ))),
        _ if label == CURRENT && to.is_none() => Err(ServiceError::parameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
        )),
        _ => Ok(()),
    }
}

/// Always fails: there is no Lambda function.
pub(super) fn rotate(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    input.token()?;
    account.find_active_mut(input.secret_id()?)?;
    match input.text("RotationLambdaARN")? {
        None => Err(ServiceError::request("No Lambda rotation function ARN is associated with this secret.")),
        Some(arn) => Err(ServiceError::not_found(format!("Function not found: {arn}"))),
    }
}

pub(super) fn describe(account: &Account, input: &Input) -> Result<Value, ServiceError> {
    let secret = account.find(input.secret_id()?)?;
    Ok(Value::Object(secret.details("VersionIdsToStages")))
}

pub(super) fn list_versions(account: &Account, input: &Input) -> Result<Value, ServiceError> {
    let secret = account.find(input.secret_id()?)?;
    let includes_deprecated = input.flag("IncludeDeprecated")?;
    let is_listed = |version: &&Version| includes_deprecated || !version.labels.is_empty();
    let versions: Vec<&Version> = secret.versions.iter().filter(is_listed).collect();
    let (page, next_token) = listing::paginate(&versions, input, VERSIONS_PAGE_MAX)?;
    let entries: Vec<Value> = page.iter().map(|version| entry(version)).collect();
    let mut members = secret.identity();
    members.insert("Versions".to_owned(), json!(entries));
    if let Some(token) = next_token {
        members.insert("NextToken".to_owned(), json!(token));
    }
    Ok(Value::Object(members))
}

fn entry(version: &Version) -> Value {
    let mut entry = json!({ "VersionId": version.id, "CreatedDate": seconds(version.created_ms) });
    if !version.labels.is_empty() {
        entry["VersionStages"] = json!(version.labels);
    }
    entry
}
