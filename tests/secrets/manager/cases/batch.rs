//! BatchGetSecretValue.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq, token};

const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("a batch gives the values of all its secrets", |aws, name| {
        let names: Vec<String> = (0..3).map(|number| format!("{name}/{number}")).collect();
        names.iter().try_for_each(|name| aws.create(name, name).map(drop))?;
        let batch = aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": names }))?;
        check_eq("there are 3 values", &count(&batch["SecretValues"]), &3)?;
        check_eq("there are no errors", &count(&batch["Errors"]), &0)
    }),
    ("a batch gives what it finds and names what it does not", |aws, name| {
        aws.create(name, "first")?;
        let missing = format!("{name}/missing");
        let batch = aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": [name, missing] }))?;
        check_eq("SecretString", &batch["SecretValues"][0]["SecretString"], &"first")?;
        check_eq("SecretId is the missing one", &(batch["Errors"][0]["SecretId"] == missing), &true)?;
        check_eq("ErrorCode", &batch["Errors"][0]["ErrorCode"], &"ResourceNotFoundException")
    }),
    ("a batch names a secret that is scheduled for deletion", |aws, name| {
        aws.create(name, "first")?;
        aws.succeeds("DeleteSecret", &json!({ "SecretId": name }))?;
        let batch = aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": [name] }))?;
        check_eq("there are no values", &count(&batch["SecretValues"]), &0)?;
        check_eq("ErrorCode", &batch["Errors"][0]["ErrorCode"], &"InvalidRequestException")
    }),
    ("a batch of 20 is accepted", |aws, name| {
        aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": names(name, 20) })).map(drop)
    }),
    ("a batch of 21 is rejected", |aws, name| fails_with(aws, &json!({ "SecretIdList": names(name, 21) }))),
    ("a batch of names and filters together is rejected", |aws, name| {
        fails_with(aws, &json!({ "SecretIdList": [name], "Filters": filters(name) }))
    }),
    ("a batch of neither names nor filters is rejected", |aws, _| fails_with(aws, &json!({}))),
    ("a batch of names with a page size is rejected", |aws, name| {
        fails_with(aws, &json!({ "SecretIdList": [name], "MaxResults": 5 }))
    }),
    ("a batch by filter comes in pages", |aws, name| {
        names(name, 3).iter().try_for_each(|name| aws.create(name, "value").map(drop))?;
        let input = json!({ "Filters": filters(name), "MaxResults": 2 });
        let first = aws.succeeds("BatchGetSecretValue", &input)?;
        check_eq("values of the first page", &count(&first["SecretValues"]), &2)?;
        let input = json!({ "Filters": filters(name), "MaxResults": 2, "NextToken": first["NextToken"] });
        let second = aws.succeeds("BatchGetSecretValue", &input)?;
        check_eq("values of the second page", &count(&second["SecretValues"]), &1)?;
        check_eq("NextToken of the last page", &second["NextToken"], &Value::Null)
    }),
    ("a batch leaves out what has no label AWSCURRENT", |aws, name| {
        aws.succeeds("CreateSecret", &json!({ "Name": name, "ClientRequestToken": token(1) }))?;
        let batch = aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": [name] }))?;
        check_eq("ErrorCode", &batch["Errors"][0]["ErrorCode"], &"ResourceNotFoundException")
    }),
];

fn fails_with(aws: &Backend, input: &Value) -> Outcome {
    aws.fails_with("BatchGetSecretValue", input, WRONG)
}

fn names(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}/{number}")).collect()
}

fn filters(name: &str) -> Value {
    json!([{ "Key": "name", "Values": [name] }])
}

fn count(list: &Value) -> usize {
    list.as_array().map(Vec::len).unwrap_or_default()
}
