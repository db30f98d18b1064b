//! ListSecretVersionIds, and versions in DescribeSecret.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, check_eq};

/// More versions than AWS keeps once they are a day old.
const MANY: u32 = 104;

pub(super) const CASES: &[Case] = &[
    ("versions without a label are not listed", |aws, name| {
        three_versions(aws, name)?;
        check_eq("versions", &listed(aws, name, &json!({ "SecretId": name }))?, &[2, 3])
    }),
    ("versions without a label are listed when asked for", |aws, name| {
        three_versions(aws, name)?;
        let listed = listed(aws, name, &json!({ "SecretId": name, "IncludeDeprecated": true }))?;
        check_eq("versions", &listed, &[1, 2, 3])
    }),
    ("versions without a label are not described", |aws, name| {
        three_versions(aws, name)?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        let versions = described["VersionIdsToStages"].as_object().map(serde_json::Map::len);
        check_eq("versions", &versions, &Some(2))
    }),
    ("a list of versions carries ARN and name", |aws, name| {
        let arn = aws.create(name, "first")?;
        let listed = aws.succeeds("ListSecretVersionIds", &json!({ "SecretId": name }))?;
        check_eq("ARN is the secret's", &(listed["ARN"] == arn), &true)?;
        check_eq("Name", &listed["Name"], &name)
    }),
    ("versions are listed in pages", |aws, name| {
        three_versions(aws, name)?;
        let first = aws.succeeds("ListSecretVersionIds", &json!({ "SecretId": name, "MaxResults": 1 }))?;
        check_eq("versions of the first page", &numbers(aws, name, &first).len(), &1)?;
        let next = json!({ "SecretId": name, "MaxResults": 1, "NextToken": first["NextToken"] });
        let second = aws.succeeds("ListSecretVersionIds", &next)?;
        let mut both = numbers(aws, name, &first);
        both.extend(numbers(aws, name, &second));
        both.sort_unstable();
        check_eq("versions", &both, &[2, 3])?;
        check_eq("NextToken of the last page", &second["NextToken"], &Value::Null)
    }),
    ("versions of a secret that does not exist are not found", |aws, name| {
        aws.fails_with("ListSecretVersionIds", &json!({ "SecretId": name }), &["ResourceNotFoundException"])
    }),
    ("more than 100 versions are kept while they are young", |aws, name| {
        aws.create(name, "first")?;
        for number in 2..=MANY {
            aws.put(name, number, &format!("value {number}"), &["AWSCURRENT"])?;
        }
        let read =
            aws.call("GetSecretValue", &json!({ "SecretId": name, "VersionId": aws.version_id(name, 1) }))?;
        check_eq("SecretString of the first", &read.body["SecretString"], &"first")
    }),
    ("a description of a secret that does not exist is not found", |aws, name| {
        aws.fails_with("DescribeSecret", &json!({ "SecretId": name }), &["ResourceNotFoundException"])
    }),
    ("a description has no value and no key that was not set", |aws, name| {
        aws.create(name, "first")?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        for member in ["SecretString", "KmsKeyId", "DeletedDate", "Description"] {
            check_eq(member, &described[member], &Value::Null)?;
        }
        Ok(())
    }),
];

fn three_versions(aws: &Backend, name: &str) -> Result<(), String> {
    aws.create(name, "first")?;
    aws.put(name, 2, "second", &["AWSCURRENT"])?;
    aws.put(name, 3, "third", &["AWSCURRENT"]).map(drop)
}

fn listed(aws: &Backend, name: &str, input: &Value) -> Result<Vec<u32>, String> {
    let mut numbers = numbers(aws, name, &aws.succeeds("ListSecretVersionIds", input)?);
    numbers.sort_unstable();
    Ok(numbers)
}

fn numbers(aws: &Backend, name: &str, listed: &Value) -> Vec<u32> {
    let versions = listed["Versions"].as_array().into_iter().flatten();
    versions.filter_map(|version| version["VersionId"].as_str()).map(|id| aws.number(name, id)).collect()
}
