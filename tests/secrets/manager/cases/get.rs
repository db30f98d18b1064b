//! GetSecretValue.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq, sorted, token};

pub(super) const CASES: &[Case] = &[
    ("a secret that does not exist is not found", |aws, name| {
        fails_with(aws, &json!({ "SecretId": name }), NOT_FOUND)
    }),
    ("a secret is read by its ARN", |aws, name| {
        let arn = aws.create(name, "first")?;
        check_eq("SecretString", &aws.text(&arn)?, &"first")
    }),
    ("a secret is read by its ARN without the suffix", |aws, name| {
        let arn = aws.create(name, "first")?;
        let partial = arn.rsplit_once('-').map(|(begin, _)| begin).unwrap_or_default();
        check_eq("SecretString", &aws.text(partial)?, &"first")
    }),
    ("an ARN with another suffix is not found", |aws, name| {
        let arn = aws.create(name, "first")?;
        let begin = arn.rsplit_once('-').map(|(begin, _)| begin).unwrap_or_default();
        fails_with(aws, &json!({ "SecretId": format!("{begin}-000000") }), NOT_FOUND)
    }),
    ("a response carries name, labels and a date in seconds", |aws, name| {
        aws.create(name, "first")?;
        let read = aws.succeeds("GetSecretValue", &json!({ "SecretId": name }))?;
        check_eq("Name", &read["Name"], &name)?;
        check_eq("VersionStages", &sorted(&read["VersionStages"]), &["AWSCURRENT"])?;
        check_eq("CreatedDate is a number", &read["CreatedDate"].is_number(), &true)
    }),
    ("a version is read by its id", |aws, name| {
        two_versions(aws, name)?;
        reads(aws, &json!({ "SecretId": name, "VersionId": aws.version_id(name, 1) }), "first")
    }),
    ("a version is read by its label", |aws, name| {
        two_versions(aws, name)?;
        reads(aws, &json!({ "SecretId": name, "VersionStage": "AWSPREVIOUS" }), "first")
    }),
    ("a version without labels is still read by its id", |aws, name| {
        two_versions(aws, name)?;
        aws.put(name, 3, "third", &["AWSCURRENT"])?;
        reads(aws, &json!({ "SecretId": name, "VersionId": aws.version_id(name, 1) }), "first")
    }),
    ("an id and a label of one version agree", |aws, name| {
        two_versions(aws, name)?;
        reads(
            aws,
            &json!({ "SecretId": name, "VersionId": token(2), "VersionStage": "AWSCURRENT" }),
            "second",
        )
    }),
    ("an id and a label of different versions are rejected", |aws, name| {
        two_versions(aws, name)?;
        let input =
            json!({ "SecretId": name, "VersionId": aws.version_id(name, 1), "VersionStage": "AWSCURRENT" });
        fails_with(aws, &input, &["InvalidRequestException"])
    }),
    ("an id that no version has is not found", |aws, name| {
        two_versions(aws, name)?;
        fails_with(aws, &json!({ "SecretId": name, "VersionId": token(9) }), NOT_FOUND)
    }),
    ("a label that no version has is not found", |aws, name| {
        two_versions(aws, name)?;
        fails_with(aws, &json!({ "SecretId": name, "VersionStage": "AWSPENDING" }), NOT_FOUND)
    }),
    ("a secret that was never read has no date of access", |aws, name| {
        aws.create(name, "first")?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        check_eq("LastAccessedDate", &described["LastAccessedDate"], &Value::Null)
    }),
    ("a secret that was read has a date of access", |aws, name| {
        aws.create(name, "first")?;
        aws.text(name)?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        check_eq("LastAccessedDate is a number", &described["LastAccessedDate"].is_number(), &true)
    }),
];

const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];

fn two_versions(aws: &Backend, name: &str) -> Outcome {
    aws.create(name, "first")?;
    aws.put(name, 2, "second", &["AWSCURRENT"]).map(drop)
}

fn reads(aws: &Backend, input: &Value, expected: &str) -> Outcome {
    check_eq("SecretString", &aws.succeeds("GetSecretValue", input)?["SecretString"], &expected)
}

fn fails_with(aws: &Backend, input: &Value, codes: &[&str]) -> Outcome {
    aws.fails_with("GetSecretValue", input, codes)
}
