//! TagResource and UntagResource.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use super::input::Input;
use super::service_error::ServiceError;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(super) fn parse(input: &Input) -> Result<BTreeMap<String, String>, ServiceError> {
    let tags = input.list("Tags")?.map(Vec::as_slice).unwrap_or_default();
    let tags: BTreeMap<String, String> = tags.iter().map(parse_tag).collect::<Result<_, _>>()?;
    check_count(tags)
}

fn parse_tag(tag: &Value) -> Result<(String, String), ServiceError> {
    let key = tag["Key"].as_str().filter(|key| (1..=KEY_CHARS_MAX).contains(&key.chars().count()));
    let value = tag["Value"].as_str().filter(|value| value.chars().count() <= VALUE_CHARS_MAX);
    match (key, value) {
        (Some(key), Some(_)) if key.starts_with("aws:") => {
            Err(ServiceError::parameter("Tag keys that begin with aws: are reserved."))
        }
        (Some(key), Some(value)) => Ok((key.to_owned(), value.to_owned())),
        _ => Err(ServiceError::member("tags", "have keys of 1 to 128 and values of at most 256 characters")),
    }
}

fn check_count(tags: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ServiceError> {
    if tags.len() <= TAGS_MAX {
        return Ok(tags);
    }
    Err(ServiceError::parameter("You can't have more than 50 tags on a secret."))
}

pub(super) fn tag(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    if !input.has("Tags") {
        return Err(ServiceError::member("tags", "not be null"));
    }
    let added = parse(input)?;
    let secret = account.find_active_mut(input.secret_id()?)?;
    let mut tags = secret.tags.clone();
    tags.extend(added);
    secret.tags = check_count(tags)?;
    Ok(json!({}))
}

pub(super) fn untag(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let keys = input.texts("TagKeys")?.ok_or_else(|| ServiceError::member("tagKeys", "not be null"))?;
    let secret = account.find_active_mut(input.secret_id()?)?;
    secret.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}
