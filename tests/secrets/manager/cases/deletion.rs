//! DeleteSecret and RestoreSecret.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq, token};

const DAY_S: f64 = 86_400.0;
const ENDING: &[&str] = &["InvalidRequestException"];
const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];
const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("a deletion without a window ends after 30 days", |aws, name| {
        ends_after(aws, name, &json!({ "SecretId": name }), 30.0)
    }),
    ("a deletion ends after its window", |aws, name| {
        ends_after(aws, name, &json!({ "SecretId": name, "RecoveryWindowInDays": 7 }), 7.0)
    }),
    ("a window of 6 days is rejected", |aws, name| {
        aws.create(name, "first")?;
        aws.fails_with("DeleteSecret", &json!({ "SecretId": name, "RecoveryWindowInDays": 6 }), WRONG)?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a window of 31 days is rejected", |aws, name| {
        aws.create(name, "first")?;
        aws.fails_with("DeleteSecret", &json!({ "SecretId": name, "RecoveryWindowInDays": 31 }), WRONG)?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a deletion at once with a window is rejected", |aws, name| {
        aws.create(name, "first")?;
        let input =
            json!({ "SecretId": name, "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true });
        aws.fails_with("DeleteSecret", &input, WRONG)?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a deletion of a secret that does not exist is not found", |aws, name| {
        aws.fails_with("DeleteSecret", &json!({ "SecretId": name }), NOT_FOUND)
    }),
    ("a deletion at once of a secret that does not exist succeeds", |aws, name| {
        aws.succeeds("DeleteSecret", &json!({ "SecretId": name, "ForceDeleteWithoutRecovery": true }))
            .map(drop)
    }),
    ("a secret that is deleted at once is gone and its name is free", |aws, name| {
        aws.create(name, "first")?;
        aws.succeeds("DeleteSecret", &json!({ "SecretId": name, "ForceDeleteWithoutRecovery": true }))?;
        aws.fails_with("GetSecretValue", &json!({ "SecretId": name }), NOT_FOUND)?;
        aws.create(name, "second")?;
        check_eq("SecretString", &aws.text(name)?, &"second")
    }),
    ("a description has the date of deletion", |aws, name| {
        ending(aws, name)?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        check_eq("DeletedDate is a number", &described["DeletedDate"].is_number(), &true)
    }),
    ("a secret that is scheduled for deletion is not read", |aws, name| {
        ending(aws, name)?;
        aws.fails_with("GetSecretValue", &json!({ "SecretId": name }), ENDING)
    }),
    ("a secret that is scheduled for deletion takes no put", |aws, name| {
        ending(aws, name)?;
        aws.fails_with("PutSecretValue", &new_value(name), ENDING)
    }),
    ("a secret that is scheduled for deletion takes no update", |aws, name| {
        ending(aws, name)?;
        aws.fails_with("UpdateSecret", &new_value(name), ENDING)
    }),
    ("a secret that is scheduled for deletion moves no label", |aws, name| {
        ending(aws, name)?;
        aws.fails_with("UpdateSecretVersionStage", &aws.label_move(name, "BLUE", None, Some(1)), ENDING)
    }),
    ("a secret that is scheduled for deletion takes no tag", |aws, name| {
        ending(aws, name)?;
        let tags = json!([{ "Key": "owner", "Value": "payments" }]);
        aws.fails_with("TagResource", &json!({ "SecretId": name, "Tags": tags }), ENDING)
    }),
    ("the name of a secret that is scheduled for deletion is not free", |aws, name| {
        ending(aws, name)?;
        let input = json!({ "Name": name, "SecretString": "second", "ClientRequestToken": token(2) });
        aws.fails_with("CreateSecret", &input, ENDING)
    }),
    ("a restored secret is read again", |aws, name| {
        ending(aws, name)?;
        aws.succeeds("RestoreSecret", &json!({ "SecretId": name }))?;
        check_eq("SecretString", &aws.text(name)?, &"first")?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        check_eq("DeletedDate", &described["DeletedDate"], &Value::Null)
    }),
    ("a secret that does not exist is not restored", |aws, name| {
        aws.fails_with("RestoreSecret", &json!({ "SecretId": name }), NOT_FOUND)
    }),
];

fn ending(aws: &Backend, name: &str) -> Outcome {
    aws.create(name, "first")?;
    aws.succeeds("DeleteSecret", &json!({ "SecretId": name })).map(drop)
}

fn new_value(name: &str) -> Value {
    json!({ "SecretId": name, "SecretString": "second", "ClientRequestToken": token(2) })
}

/// The date of deletion against the date of creation: the only clock that all backends share.
fn ends_after(aws: &Backend, name: &str, input: &Value, days: f64) -> Outcome {
    aws.create(name, "first")?;
    let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
    let deleted = aws.succeeds("DeleteSecret", input)?;
    let (created_s, ends_s) = (described["CreatedDate"].as_f64(), deleted["DeletionDate"].as_f64());
    let elapsed_s = ends_s.zip(created_s).map(|(ends_s, created_s)| ends_s - created_s);
    let is_near = elapsed_s.is_some_and(|elapsed_s| (elapsed_s - days * DAY_S).abs() < 60.0);
    check_eq("it ends after the window", &is_near, &true)
}
