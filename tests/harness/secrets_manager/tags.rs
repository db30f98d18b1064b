//! Tags of a secret.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use super::input::Input;
use super::refusal::Refusal;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The tags that a request carries.
pub(super) fn of(input: &Input) -> Result<BTreeMap<String, String>, Refusal> {
    let tags = input.list("Tags")?.map(Vec::as_slice).unwrap_or_default();
    let tags: BTreeMap<String, String> = tags.iter().map(tag).collect::<Result<_, _>>()?;
    bounded(tags)
}

fn tag(tag: &Value) -> Result<(String, String), Refusal> {
    let key = tag["Key"].as_str().filter(|key| (1..=KEY_CHARS_MAX).contains(&key.chars().count()));
    let value = tag["Value"].as_str().filter(|value| value.chars().count() <= VALUE_CHARS_MAX);
    match (key, value) {
        (Some(key), Some(_)) if key.starts_with("aws:") => {
            Err(Refusal::parameter("Tag keys that begin with aws: are reserved."))
        }
        (Some(key), Some(value)) => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Refusal::member("tags", "have keys of 1 to 128 and values of at most 256 characters")),
    }
}

fn bounded(tags: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    if tags.len() <= TAGS_MAX {
        return Ok(tags);
    }
    Err(Refusal::parameter("You can't have more than 50 tags on a secret."))
}

pub(super) fn tag_more(account: &mut Account, input: &Input) -> Result<Value, Refusal> {
    if !input.has("Tags") {
        return Err(Refusal::member("tags", "not be null"));
    }
    let added = of(input)?;
    let secret = account.living_mut(input.secret_id()?)?;
    let mut tags = secret.tags.clone();
    tags.extend(added);
    secret.tags = bounded(tags)?;
    Ok(json!({}))
}

pub(super) fn tag_less(account: &mut Account, input: &Input) -> Result<Value, Refusal> {
    let keys = input.texts("TagKeys")?.ok_or_else(|| Refusal::member("tagKeys", "not be null"))?;
    let secret = account.living_mut(input.secret_id()?)?;
    secret.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}
