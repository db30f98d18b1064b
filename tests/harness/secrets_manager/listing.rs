//! ListSecrets: filters, order, pages.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::account::Account;
use super::input::Input;
use super::secret::Secret;
use super::service_error::ServiceError;

const SECRETS_PAGE_MAX: usize = 100;
pub(super) const VERSIONS_PAGE_MAX: usize = 100;
const FILTERS_MAX: usize = 10;
/// Tokens without it are refused.
const TOKEN_PREFIX: &str = "page-from-";

pub(super) fn list(account: &Account, input: &Input) -> Result<Value, ServiceError> {
    let (names, next_token) = page(account, input, SECRETS_PAGE_MAX)?;
    let found = names.iter().filter_map(|name| account.named(name));
    let entries: Vec<Value> =
        found.map(|secret| Value::Object(secret.details("SecretVersionsToStages"))).collect();
    let mut output = json!({ "SecretList": entries });
    if let Some(token) = next_token {
        output["NextToken"] = json!(token);
    }
    Ok(output)
}

/// The names on one page of the secrets that pass the filters, and the token of the next page.
pub(super) fn page(
    account: &Account,
    input: &Input,
    page_max: usize,
) -> Result<(Vec<String>, Option<String>), ServiceError> {
    let filters = filters(input)?;
    let includes_deleted = input.flag("IncludePlannedDeletion")?;
    let is_listed = |secret: &&Secret| {
        (includes_deleted || secret.deletion_ms.is_none())
            && filters.iter().all(|filter| filter.passes(secret))
    };
    let mut secrets: Vec<&Secret> = account.secrets().filter(is_listed).collect();
    sort(&mut secrets, input)?;
    let names: Vec<String> = secrets.iter().map(|secret| secret.name.clone()).collect();
    let (names, next_token) = paginate(&names, input, page_max)?;
    Ok((names.to_vec(), next_token))
}

/// One page of `all`, and the token of the next.
pub(super) fn paginate<'a, T>(
    all: &'a [T],
    input: &Input,
    page_max: usize,
) -> Result<(&'a [T], Option<String>), ServiceError> {
    let size = match input.integer("MaxResults")?.map(usize::try_from) {
        None => page_max,
        Some(Ok(size)) if (1..=page_max).contains(&size) => size,
        Some(_) => return Err(ServiceError::member("maxResults", &format!("be from 1 to {page_max}"))),
    };
    let from: usize = match input.text("NextToken")? {
        None => 0,
        Some(token) => {
            let from = token.strip_prefix(TOKEN_PREFIX).and_then(|text| text.parse().ok());
            from.ok_or_else(|| {
                ServiceError::new("InvalidNextTokenException", "The NextToken value is invalid.")
            })?
        }
    };
    let rest = all.get(from..).unwrap_or_default();
    let page = rest.get(..size).unwrap_or(rest);
    Ok((page, (page.len() < rest.len()).then(|| format!("{TOKEN_PREFIX}{}", from + size))))
}

fn sort(secrets: &mut [&Secret], input: &Input) -> Result<(), ServiceError> {
    let order: fn(&Secret, &Secret) -> Ordering = match input.text("SortBy")? {
        None | Some("created-date") => |left, right| left.created_ms.cmp(&right.created_ms),
        Some("last-accessed-date") => |left, right| left.accessed_ms.cmp(&right.accessed_ms),
        Some("last-changed-date") => |left, right| left.changed_ms.cmp(&right.changed_ms),
        Some("name") => |left, right| left.name.cmp(&right.name),
        Some(_) => return Err(ServiceError::member("sortBy", "be one of the documented values")),
    };
    // They are sorted by name, and a stable sort keeps that among equals.
    secrets.sort_by(|left, right| order(left, right));
    match input.text("SortOrder")? {
        None | Some("asc") => Ok(()),
        Some("desc") => {
            secrets.reverse();
            Ok(())
        }
        Some(_) => Err(ServiceError::member("sortOrder", "be asc or desc")),
    }
}

struct Filter<'a> {
    key: &'a str,
    values: Vec<&'a str>,
}

fn filters(input: &Input) -> Result<Vec<Filter<'_>>, ServiceError> {
    let Some(filters) = input.list("Filters")? else { return Ok(Vec::new()) };
    if filters.len() > FILTERS_MAX {
        return Err(ServiceError::member("filters", "have length less than or equal to 10"));
    }
    filters.iter().map(Filter::parse).collect()
}

impl<'a> Filter<'a> {
    fn parse(filter: &'a Value) -> Result<Self, ServiceError> {
        let known =
            ["all", "description", "name", "owning-service", "primary-region", "tag-key", "tag-value"];
        let key = filter["Key"].as_str().filter(|key| known.contains(key));
        let values: Option<Vec<&str>> =
            filter["Values"].as_array().and_then(|values| values.iter().map(Value::as_str).collect());
        match (key, values) {
            (Some(key), Some(values)) if !values.is_empty() => Ok(Self { key, values }),
            _ => Err(ServiceError::parameter("A filter needs a documented key and at least one value.")),
        }
    }

    /// A value matches the beginning of a text; `!` before it negates the filter.
    fn passes(&self, secret: &Secret) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !self.matches(secret, value),
            None => self.matches(secret, value),
        })
    }

    fn matches(&self, secret: &Secret, value: &str) -> bool {
        let description = secret.description.as_deref().unwrap_or_default();
        let is_described = || description.to_lowercase().starts_with(&value.to_lowercase());
        let has_key = || secret.tags.keys().any(|key| key.starts_with(value));
        let has_value = || secret.tags.values().any(|tag| tag.starts_with(value));
        match self.key {
            "name" => secret.name.starts_with(value),
            "description" => is_described(),
            "tag-key" => has_key(),
            "tag-value" => has_value(),
            "all" => secret.name.starts_with(value) || is_described() || has_key() || has_value(),
            // Nothing here belongs to a service or has replicas.
            _ => false,
        }
    }
}
