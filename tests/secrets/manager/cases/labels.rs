//! UpdateSecretVersionStage, on which rotations depend.

use serde_json::json;

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq, token};

const OPERATION: &str = "UpdateSecretVersionStage";
const WRONG: &[&str] = &["InvalidParameterException"];
const WRONG_OR_NOT_FOUND: &[&str] = &["InvalidParameterException", "ResourceNotFoundException"];
const PENDING: &[(u32, &[&str])] = &[(1, &["AWSCURRENT"]), (2, &["AWSPENDING"])];

pub(super) const CASES: &[Case] = &[
    ("a promotion moves AWSCURRENT, and AWSPREVIOUS follows", |aws, name| {
        promoted(aws, name)?;
        aws.has_labels(name, &[(1, &["AWSPREVIOUS"]), (2, &["AWSCURRENT", "AWSPENDING"])])
    }),
    ("after a promotion a read by label gives the new value", |aws, name| {
        promoted(aws, name)?;
        check_eq("SecretString", &aws.text(name)?, &"second")
    }),
    ("after a promotion a plain read gives the new value", |aws, name| {
        promoted(aws, name)?;
        let read = aws.succeeds("GetSecretValue", &json!({ "SecretId": name }))?;
        check_eq("SecretString", &read["SecretString"], &"second")
    }),
    ("after a promotion a batch gives the new value", |aws, name| {
        promoted(aws, name)?;
        let batch = aws.succeeds("BatchGetSecretValue", &json!({ "SecretIdList": [name] }))?;
        check_eq("SecretString", &batch["SecretValues"][0]["SecretString"], &"second")
    }),
    ("after a promotion a put leaves one current version", |aws, name| {
        promoted(aws, name)?;
        aws.move_label(name, "AWSPENDING", Some(2), None)?;
        aws.put(name, 3, "third", &["AWSCURRENT"])?;
        aws.has_labels(name, &[(2, &["AWSPREVIOUS"]), (3, &["AWSCURRENT"])])
    }),
    ("a rollback is the reverse move and swaps the two labels", |aws, name| {
        promoted(aws, name)?;
        aws.move_label(name, "AWSPENDING", Some(2), None)?;
        aws.move_label(name, "AWSCURRENT", Some(2), Some(1))?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"]), (2, &["AWSPREVIOUS"])])?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a promotion that does not name the current version is rejected and moves nothing", |aws, name| {
        pending(aws, name)?;
        aws.fails_with(OPERATION, &aws.label_move(name, "AWSCURRENT", None, Some(2)), WRONG)?;
        aws.has_labels(name, PENDING)
    }),
    (
        "a promotion that names a version that is no longer current is rejected and moves nothing",
        |aws, name| {
            pending(aws, name)?;
            aws.put(name, 3, "third", &["AWSCURRENT"])?;
            aws.fails_with(OPERATION, &aws.label_move(name, "AWSCURRENT", Some(1), Some(2)), WRONG)?;
            aws.has_labels(name, &[(1, &["AWSPREVIOUS"]), (2, &["AWSPENDING"]), (3, &["AWSCURRENT"])])
        },
    ),
    ("of two promotions that name the same current version the second is rejected", |aws, name| {
        pending(aws, name)?;
        aws.put(name, 3, "third", &["OTHER"])?;
        aws.move_label(name, "AWSCURRENT", Some(1), Some(2))?;
        aws.fails_with(OPERATION, &aws.label_move(name, "AWSCURRENT", Some(1), Some(3)), WRONG)?;
        check_eq("SecretString", &aws.text(name)?, &"second")
    }),
    ("a promotion to a version that does not exist is rejected and moves nothing", |aws, name| {
        pending(aws, name)?;
        aws.fails_with(OPERATION, &aws.label_move(name, "AWSCURRENT", Some(1), Some(9)), WRONG_OR_NOT_FOUND)?;
        aws.has_labels(name, PENDING)
    }),
    ("AWSPENDING is removed without moving", |aws, name| {
        pending(aws, name)?;
        aws.move_label(name, "AWSPENDING", Some(2), None)?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"])])
    }),
    ("AWSCURRENT is not removed without moving", |aws, name| {
        pending(aws, name)?;
        aws.fails_with(OPERATION, &aws.label_move(name, "AWSCURRENT", Some(1), None), WRONG)?;
        aws.has_labels(name, PENDING)
    }),
    ("a label is not removed from a version that does not have it", |aws, name| {
        pending(aws, name)?;
        aws.fails_with(OPERATION, &aws.label_move(name, "AWSPENDING", Some(1), None), WRONG)?;
        aws.has_labels(name, PENDING)
    }),
    ("a move without a source and a target is rejected", |aws, name| {
        pending(aws, name)?;
        aws.fails_with(OPERATION, &aws.label_move(name, "AWSPENDING", None, None), WRONG)
    }),
    ("a custom label is attached and moved", |aws, name| {
        pending(aws, name)?;
        aws.move_label(name, "BLUE", None, Some(1))?;
        aws.move_label(name, "BLUE", Some(1), Some(2))?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"]), (2, &["AWSPENDING", "BLUE"])])
    }),
    ("a label attached again to the version that has it is there once", |aws, name| {
        aws.create(name, "first")?;
        aws.move_label(name, "BLUE", None, Some(1))?;
        aws.move_label(name, "BLUE", None, Some(1))?;
        aws.has_labels(name, &[(1, &["AWSCURRENT", "BLUE"])])
    }),
    ("a custom label does not move without the version that has it", |aws, name| {
        pending(aws, name)?;
        aws.move_label(name, "BLUE", None, Some(1))?;
        aws.fails_with(OPERATION, &aws.label_move(name, "BLUE", None, Some(2)), WRONG)?;
        aws.has_labels(name, &[(1, &["AWSCURRENT", "BLUE"]), (2, &["AWSPENDING"])])
    }),
    ("a rotation without a Lambda function is rejected and changes nothing", |aws, name| {
        aws.create(name, "first")?;
        let input = json!({ "SecretId": name, "ClientRequestToken": token(2) });
        aws.fails_with("RotateSecret", &input, &["InvalidRequestException"])?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"])])
    }),
    ("a rotation by a Lambda function that does not exist changes nothing", |aws, name| {
        aws.create(name, "first")?;
        let function = "arn:aws:lambda:us-east-1:123456789012:function:none";
        let input =
            json!({ "SecretId": name, "ClientRequestToken": token(2), "RotationLambdaARN": function });
        let status = aws.call("RotateSecret", &input)?.status;
        check_eq("it is rejected", &(status >= 400), &true)?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"])])
    }),
];

fn pending(aws: &Backend, name: &str) -> Outcome {
    aws.create(name, "first")?;
    aws.put(name, 2, "second", &["AWSPENDING"]).map(drop)
}

fn promoted(aws: &Backend, name: &str) -> Outcome {
    pending(aws, name)?;
    aws.move_label(name, "AWSCURRENT", Some(1), Some(2))
}
