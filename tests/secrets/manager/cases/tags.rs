//! TagResource and UntagResource.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq};

pub(super) const CASES: &[Case] = &[
    ("tags are added, and a key that is there gets its new value", |aws, name| {
        aws.create(name, "first")?;
        tag(aws, name, &[("owner", "payments"), ("stage", "test")])?;
        tag(aws, name, &[("stage", "production")])?;
        check_eq("tags", &tags(aws, name)?, &pairs(&[("owner", "payments"), ("stage", "production")]))
    }),
    ("tags are removed by key, and a key that is not there is no error", |aws, name| {
        aws.create(name, "first")?;
        tag(aws, name, &[("owner", "payments"), ("stage", "test")])?;
        aws.succeeds("UntagResource", &json!({ "SecretId": name, "TagKeys": ["stage", "colour"] }))?;
        check_eq("tags", &tags(aws, name)?, &pairs(&[("owner", "payments")]))
    }),
    ("keys of tags that differ in case differ", |aws, name| {
        aws.create(name, "first")?;
        tag(aws, name, &[("Owner", "a"), ("owner", "b")])?;
        check_eq("tags", &tags(aws, name)?, &pairs(&[("Owner", "a"), ("owner", "b")]))
    }),
    ("tags survive a new value", |aws, name| {
        aws.create(name, "first")?;
        tag(aws, name, &[("owner", "payments")])?;
        aws.put(name, 2, "second", &["AWSCURRENT"])?;
        check_eq("tags", &tags(aws, name)?, &pairs(&[("owner", "payments")]))
    }),
    ("a secret that does not exist takes no tag", |aws, name| {
        let tags = json!([{ "Key": "owner", "Value": "payments" }]);
        let input = json!({ "SecretId": name, "Tags": tags });
        aws.fails_with("TagResource", &input, &["ResourceNotFoundException"])
    }),
];

fn tag(aws: &Backend, name: &str, tags: &[(&str, &str)]) -> Outcome {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    aws.succeeds("TagResource", &json!({ "SecretId": name, "Tags": tags })).map(drop)
}

fn tags(aws: &Backend, name: &str) -> Result<Vec<(String, String)>, String> {
    let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = described["Tags"].as_array().into_iter().flatten();
    let mut tags: Vec<(String, String)> = tags.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect();
    tags.sort();
    Ok(tags)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
