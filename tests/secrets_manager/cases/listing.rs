//! ListSecrets.

use serde_json::{Value, json};

use super::Case;
use crate::backend::{Backend, Outcome, same};

const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("secrets are listed in pages, each once", |aws, name| {
        let names = three(aws, name)?;
        let mut found = Vec::new();
        let mut input = json!({ "Filters": by_name(name), "MaxResults": 2 });
        // Two pages are expected; a third would be the service's mistake.
        for _ in 0..3 {
            let page = aws.done("ListSecrets", &input)?;
            found.extend(listed(&page));
            let Some(token) = page["NextToken"].as_str() else { break };
            input["NextToken"] = json!(token);
        }
        found.sort();
        same("each is listed once", &(found == names), &true)
    }),
    ("a listed secret has its versions' labels and no value", |aws, name| {
        aws.create(name, "first")?;
        let page = aws.done("ListSecrets", &json!({ "Filters": by_name(name) }))?;
        let secret = &page["SecretList"][0];
        let labels = secret["SecretVersionsToStages"].as_object().map(serde_json::Map::len);
        same("versions with labels", &labels, &Some(1))?;
        same("SecretString", &secret["SecretString"], &Value::Null)
    }),
    ("a filter by name matches the beginning", |aws, name| {
        aws.create(name, "first")?;
        // Only this case knows this end.
        let end = format!("{name}/end").split_off(1);
        aws.create(&format!("{name}/end"), "value")?;
        let page = aws.done("ListSecrets", &json!({ "Filters": by_name(&end) }))?;
        same("secrets found by the end of a name", &listed(&page).len(), &0)
    }),
    ("a filter by tag finds the secret", |aws, name| {
        aws.create(name, "first")?;
        let tag = json!({ "Key": "owner", "Value": name });
        aws.done("TagResource", &json!({ "SecretId": name, "Tags": [tag] }))?;
        let page =
            aws.done("ListSecrets", &json!({ "Filters": [{ "Key": "tag-value", "Values": [name] }] }))?;
        same("secrets found", &listed(&page).len(), &1)
    }),
    ("a secret that is scheduled for deletion is listed only when asked for", |aws, name| {
        aws.create(name, "first")?;
        aws.done("DeleteSecret", &json!({ "SecretId": name }))?;
        let page = aws.done("ListSecrets", &json!({ "Filters": by_name(name) }))?;
        same("secrets listed", &listed(&page).len(), &0)?;
        let input = json!({ "Filters": by_name(name), "IncludePlannedDeletion": true });
        same("secrets listed when asked for", &listed(&aws.done("ListSecrets", &input)?).len(), &1)
    }),
    ("a page of no secrets is refused", |aws, _| refused(aws, &json!({ "MaxResults": 0 }))),
    ("a page of 101 secrets is refused", |aws, _| refused(aws, &json!({ "MaxResults": 101 }))),
    ("a token that no page gave is refused", |aws, _| {
        aws.refused("ListSecrets", &json!({ "NextToken": "forged" }), &["InvalidNextTokenException"])
    }),
    ("a filter by an unknown key is refused", |aws, name| {
        refused(aws, &json!({ "Filters": [{ "Key": "colour", "Values": [name] }] }))
    }),
];

fn three(aws: &Backend, name: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = ["a", "b", "c"].iter().map(|end| format!("{name}/{end}")).collect();
    names.iter().try_for_each(|name| aws.create(name, "value").map(drop))?;
    Ok(names)
}

fn by_name(name: &str) -> Value {
    json!([{ "Key": "name", "Values": [name] }])
}

fn listed(page: &Value) -> Vec<String> {
    let secrets = page["SecretList"].as_array().into_iter().flatten();
    secrets.filter_map(|secret| secret["Name"].as_str()).map(str::to_owned).collect()
}

fn refused(aws: &Backend, input: &Value) -> Outcome {
    aws.refused("ListSecrets", input, WRONG)
}
