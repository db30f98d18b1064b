//! CreateSecret, GetSecretValue, PutSecretValue and UpdateSecret.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::input::{Input, LABELS_MAX};
use super::operation::Operation;
use super::secret::{CURRENT, Data, Secret, Version, seconds};
use super::service_error::ServiceError;
use super::tags;

const NAME_CHARS_MAX: usize = 512;
const DESCRIPTION_CHARS_MAX: usize = 2_048;

pub(super) fn create(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let name = checked_name(input.required("Name")?)?;
    let description = checked_description(input)?;
    let tags = tags::parse(input)?;
    let data = input.data()?;
    let token = data.is_some().then(|| input.token()).transpose()?;
    if let Some(existing) = account.named(name) {
        return repeated_create(existing, token, data.as_ref());
    }
    let now_ms = account.now_ms();
    let secret = account.insert(name);
    secret.description = description;
    secret.kms_key_id = input.text("KmsKeyId")?.map(str::to_owned);
    secret.tags = tags;
    if let (Some(token), Some(data)) = (token, data) {
        secret.add(token, data, now_ms);
        secret.attach(CURRENT, token);
    }
    let output = with_version(secret, token);
    account.record_labels(Operation::CreateSecret, name);
    Ok(output)
}

fn checked_name(name: &str) -> Result<&str, ServiceError> {
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(ServiceError::member("name", "have length from 1 to 512"));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if name.bytes().all(is_allowed) {
        return Ok(name);
    }
    Err(ServiceError::new(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}

fn checked_description(input: &Input) -> Result<Option<String>, ServiceError> {
    match input.text("Description")? {
        Some(text) if text.chars().count() > DESCRIPTION_CHARS_MAX => {
            Err(ServiceError::member("description", "have length less than or equal to 2048"))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// The same request gets the same response; any other fails.
fn repeated_create(
    existing: &Secret,
    token: Option<&str>,
    data: Option<&Data>,
) -> Result<Value, ServiceError> {
    if existing.deletion_ms.is_some() {
        return Err(ServiceError::request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    match token.and_then(|token| existing.version(token)) {
        Some(version) if Some(&version.data) == data => Ok(with_version(existing, token)),
        Some(version) => Err(token_in_use(&version.id, &existing.arn)),
        None => Err(ServiceError::exists(format!(
            "The operation failed because the secret {} already exists.",
            existing.name
        ))),
    }
}

fn token_in_use(token: &str, arn: &str) -> ServiceError {
    ServiceError::exists(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    ))
}

fn with_version(secret: &Secret, version_id: Option<&str>) -> Value {
    let mut members = secret.identity();
    if let Some(id) = version_id {
        members.insert("VersionId".to_owned(), json!(id));
    }
    Value::Object(members)
}

pub(super) fn get(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let (id, label) = (input.version_id("VersionId")?, input.label()?);
    read(account, input.secret_id()?, id, label)
}

pub(super) fn read(
    account: &mut Account,
    secret_id: &str,
    version_id: Option<&str>,
    label: Option<&str>,
) -> Result<Value, ServiceError> {
    let name = account.find(secret_id)?.name.clone();
    if account.denies(&name) {
        return Err(ServiceError::new(
            "AccessDeniedException",
            format!(
                "User is not authorized to perform: secretsmanager:GetSecretValue on resource: {secret_id}"
            ),
        ));
    }
    let now_ms = account.now_ms();
    let secret = account.find_active_mut(secret_id)?;
    let mut members = secret.identity();
    members.extend(value_members(select_version(secret, version_id, label)?));
    secret.touch(now_ms);
    Ok(Value::Object(members))
}

fn select_version<'a>(
    secret: &'a Secret,
    id: Option<&str>,
    label: Option<&str>,
) -> Result<&'a Version, ServiceError> {
    let missing = |what: String| {
        ServiceError::not_found(format!("Secrets Manager can't find the specified secret value for {what}"))
    };
    let Some(id) = id else {
        let label = label.unwrap_or(CURRENT);
        return secret.labelled(label).ok_or_else(|| missing(format!("staging label: {label}")));
    };
    let version = secret.version(id).ok_or_else(|| missing(format!("VersionId: {id}")))?;
    if label.is_none_or(|label| version.has(label)) {
        return Ok(version);
    }
    Err(ServiceError::request(
        "You provided a VersionStage that is not associated to the provided VersionId.",
    ))
}

fn value_members(version: &Version) -> Map<String, Value> {
    let (member, value) = version.data.member();
    let mut members = Map::new();
    members.insert(member.to_owned(), value);
    members.insert("VersionId".to_owned(), json!(version.id));
    members.insert("CreatedDate".to_owned(), seconds(version.created_ms));
    if !version.labels.is_empty() {
        members.insert("VersionStages".to_owned(), json!(version.labels));
    }
    members
}

pub(super) fn put(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let labels = input.labels()?;
    let data = input.data()?;
    let data =
        data.ok_or_else(|| ServiceError::parameter("You must provide either SecretString or SecretBinary."))?;
    let token = input.token()?;
    let now_ms = account.now_ms();
    let secret = account.find_active_mut(input.secret_id()?)?;
    match secret.version(token) {
        Some(version) if version.data != data => return Err(token_in_use(token, &secret.arn)),
        Some(_) => {}
        None => {
            let mut labels = labels.unwrap_or_else(|| vec![CURRENT]);
            if secret.versions.is_empty() && !labels.contains(&CURRENT) {
                labels.push(CURRENT);
            }
            add_version(secret, token, data, &labels, now_ms)?;
        }
    }
    let mut members = secret.identity();
    members.insert("VersionId".to_owned(), json!(token));
    if let Some(version) = secret.version(token).filter(|version| !version.labels.is_empty()) {
        members.insert("VersionStages".to_owned(), json!(version.labels));
    }
    let name = secret.name.clone();
    account.record_labels(Operation::PutSecretValue, &name);
    Ok(Value::Object(members))
}

fn add_version(
    secret: &mut Secret,
    id: &str,
    data: Data,
    labels: &[&str],
    now_ms: i64,
) -> Result<(), ServiceError> {
    let fresh = labels.iter().filter(|label| secret.labelled(label).is_none()).count();
    if secret.labels_total() + fresh > LABELS_MAX {
        return Err(ServiceError::new("LimitExceededException", "A secret has at most 20 staging labels."));
    }
    secret.add(id, data, now_ms);
    labels.iter().for_each(|label| secret.attach(label, id));
    secret.prune(now_ms);
    Ok(())
}

pub(super) fn update(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let description = checked_description(input)?;
    let kms_key_id = input.text("KmsKeyId")?.map(str::to_owned);
    let data = input.data()?;
    let token = data.is_some().then(|| input.token()).transpose()?;
    let now_ms = account.now_ms();
    let secret = account.find_active_mut(input.secret_id()?)?;
    // Unlike a put, an update never takes a token twice.
    if let Some(version) = token.and_then(|token| secret.version(token)) {
        return Err(token_in_use(&version.id, &secret.arn));
    }
    if let (Some(token), Some(data)) = (token, data) {
        add_version(secret, token, data, &[CURRENT], now_ms)?;
    }
    secret.description = description.or(secret.description.take());
    secret.kms_key_id = kms_key_id.or(secret.kms_key_id.take());
    secret.changed_ms = now_ms;
    let output = with_version(secret, token);
    let name = secret.name.clone();
    account.record_labels(Operation::UpdateSecret, &name);
    Ok(output)
}
