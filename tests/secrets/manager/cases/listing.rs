//! ListSecrets.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq};

const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("secrets are listed in pages, each once", |aws, name| {
        let names = three(aws, name)?;
        let mut found = Vec::new();
        let mut input = json!({ "Filters": by_name(name), "MaxResults": 2 });
        // Two pages are expected; a third would be an error of the service.
        for _ in 0..3 {
            let page = aws.succeeds("ListSecrets", &input)?;
            found.extend(listed(&page));
            let Some(token) = page["NextToken"].as_str() else { break };
            input["NextToken"] = json!(token);
        }
        found.sort();
        check_eq("each is listed once", &(found == names), &true)
    }),
    ("a listed secret has its versions' labels and no value", |aws, name| {
        aws.create(name, "first")?;
        let page = aws.succeeds("ListSecrets", &json!({ "Filters": by_name(name) }))?;
        let secret = &page["SecretList"][0];
        let labels = secret["SecretVersionsToStages"].as_object().map(serde_json::Map::len);
        check_eq("versions with labels", &labels, &Some(1))?;
        check_eq("SecretString", &secret["SecretString"], &Value::Null)
    }),
    ("a filter by name matches the beginning", |aws, name| {
        aws.create(name, "first")?;
        // No other case uses this suffix.
        let end = format!("{name}/end").split_off(1);
        aws.create(&format!("{name}/end"), "value")?;
        let page = aws.succeeds("ListSecrets", &json!({ "Filters": by_name(&end) }))?;
        check_eq("secrets found by the end of a name", &listed(&page).len(), &0)
    }),
    ("a filter by tag finds the secret", |aws, name| {
        aws.create(name, "first")?;
        let tag = json!({ "Key": "owner", "Value": name });
        aws.succeeds("TagResource", &json!({ "SecretId": name, "Tags": [tag] }))?;
        let page =
            aws.succeeds("ListSecrets", &json!({ "Filters": [{ "Key": "tag-value", "Values": [name] }] }))?;
        check_eq("secrets found", &listed(&page).len(), &1)
    }),
    ("a secret that is scheduled for deletion is listed only when asked for", |aws, name| {
        aws.create(name, "first")?;
        aws.succeeds("DeleteSecret", &json!({ "SecretId": name }))?;
        let page = aws.succeeds("ListSecrets", &json!({ "Filters": by_name(name) }))?;
        check_eq("secrets listed", &listed(&page).len(), &0)?;
        let input = json!({ "Filters": by_name(name), "IncludePlannedDeletion": true });
        check_eq("secrets listed when asked for", &listed(&aws.succeeds("ListSecrets", &input)?).len(), &1)
    }),
    ("a page of no secrets is rejected", |aws, _| fails_with(aws, &json!({ "MaxResults": 0 }))),
    ("a page of 101 secrets is rejected", |aws, _| fails_with(aws, &json!({ "MaxResults": 101 }))),
    ("a token that no page gave is rejected", |aws, _| {
        aws.fails_with("ListSecrets", &json!({ "NextToken": "forged" }), &["InvalidNextTokenException"])
    }),
    ("a filter by an unknown key is rejected", |aws, name| {
        fails_with(aws, &json!({ "Filters": [{ "Key": "colour", "Values": [name] }] }))
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

fn fails_with(aws: &Backend, input: &Value) -> Outcome {
    aws.fails_with("ListSecrets", input, WRONG)
}
