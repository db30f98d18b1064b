//! PutSecretValue and UpdateSecret.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{check_eq, sorted, token};

const EXISTS: &[&str] = &["ResourceExistsException"];
const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];
const WRONG: &[&str] = &["InvalidParameterException", "InvalidRequestException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("a put makes its version current and the one before previous", |aws, name| {
        aws.create(name, "first")?;
        aws.succeeds(
            "PutSecretValue",
            &json!({ "SecretId": name, "SecretString": "second", "ClientRequestToken": token(2) }),
        )?;
        aws.has_labels(name, &[(1, &["AWSPREVIOUS"]), (2, &["AWSCURRENT"])])?;
        check_eq("SecretString", &aws.text(name)?, &"second")
    }),
    ("a third put takes the last label from the first version", |aws, name| {
        aws.create(name, "first")?;
        aws.put(name, 2, "second", &["AWSCURRENT"])?;
        aws.put(name, 3, "third", &["AWSCURRENT"])?;
        aws.has_labels(name, &[(2, &["AWSPREVIOUS"]), (3, &["AWSCURRENT"])])
    }),
    ("a put repeated with its token and value changes nothing", |aws, name| {
        aws.create(name, "first")?;
        aws.put(name, 2, "second", &["AWSCURRENT"])?;
        let again = aws.put(name, 2, "second", &["AWSCURRENT"])?;
        check_eq("VersionId", &again["VersionId"], &token(2))?;
        aws.has_labels(name, &[(1, &["AWSPREVIOUS"]), (2, &["AWSCURRENT"])])
    }),
    ("a put with the token of another value is rejected and changes nothing", |aws, name| {
        aws.create(name, "first")?;
        let token = aws.version_id(name, 1);
        let input = json!({ "SecretId": name, "SecretString": "second", "ClientRequestToken": token });
        aws.fails_with("PutSecretValue", &input, EXISTS)?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a put with the token of an older version does not make it current again", |aws, name| {
        aws.create(name, "first")?;
        aws.put(name, 2, "second", &["AWSCURRENT"])?;
        aws.put(name, 3, "third", &["AWSCURRENT"])?;
        aws.put(name, 2, "second", &["AWSCURRENT"])?;
        aws.has_labels(name, &[(2, &["AWSPREVIOUS"]), (3, &["AWSCURRENT"])])
    }),
    ("a put as AWSPENDING leaves the current version current", |aws, name| {
        aws.create(name, "first")?;
        let put = aws.put(name, 2, "second", &["AWSPENDING"])?;
        check_eq("VersionStages", &sorted(&put["VersionStages"]), &["AWSPENDING"])?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"]), (2, &["AWSPENDING"])])?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a second AWSPENDING takes the label from the first", |aws, name| {
        aws.create(name, "first")?;
        aws.put(name, 2, "second", &["AWSPENDING"])?;
        aws.put(name, 3, "third", &["AWSPENDING"])?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"]), (3, &["AWSPENDING"])])
    }),
    ("a put gives several labels at once", |aws, name| {
        aws.create(name, "first")?;
        aws.put(name, 2, "second", &["AWSCURRENT", "BLUE"])?;
        aws.has_labels(name, &[(1, &["AWSPREVIOUS"]), (2, &["AWSCURRENT", "BLUE"])])
    }),
    ("the first value of an empty secret is current whatever its labels", |aws, name| {
        aws.succeeds("CreateSecret", &json!({ "Name": name, "ClientRequestToken": token(1) }))?;
        aws.put(name, 2, "second", &["AWSPENDING"])?;
        aws.has_labels(name, &[(2, &["AWSCURRENT", "AWSPENDING"])])
    }),
    ("a put without a value is rejected", |aws, name| {
        aws.create(name, "first")?;
        aws.fails_with("PutSecretValue", &json!({ "SecretId": name, "ClientRequestToken": token(2) }), WRONG)
    }),
    ("a put without a token is rejected", |aws, name| {
        aws.create(name, "first")?;
        aws.fails_with("PutSecretValue", &json!({ "SecretId": name, "SecretString": "second" }), WRONG)
    }),
    ("a put without any label in its list is rejected", |aws, name| {
        aws.create(name, "first")?;
        let input = json!({ "SecretId": name, "SecretString": "b", "ClientRequestToken": token(2), "VersionStages": [] });
        aws.fails_with("PutSecretValue", &input, WRONG)
    }),
    ("a put of 65,537 bytes is rejected", |aws, name| {
        aws.create(name, "first")?;
        let text = "x".repeat(65_537);
        let input = json!({ "SecretId": name, "SecretString": text, "ClientRequestToken": token(2) });
        aws.fails_with("PutSecretValue", &input, WRONG)
    }),
    ("a put into a secret that does not exist is not found", |aws, name| {
        let input = json!({ "SecretId": name, "SecretString": "first", "ClientRequestToken": token(1) });
        aws.fails_with("PutSecretValue", &input, NOT_FOUND)
    }),
    ("an update with a value makes a current version of its token", |aws, name| {
        aws.create(name, "first")?;
        let input = json!({ "SecretId": name, "SecretString": "second", "ClientRequestToken": token(2) });
        let updated = aws.succeeds("UpdateSecret", &input)?;
        check_eq("the version's id is the token", &(updated["VersionId"] == token(2)), &true)?;
        aws.has_labels(name, &[(1, &["AWSPREVIOUS"]), (2, &["AWSCURRENT"])])
    }),
    ("an update of the description alone makes no version", |aws, name| {
        aws.create(name, "first")?;
        let updated = aws.succeeds(
            "UpdateSecret",
            &json!({ "SecretId": name, "Description": "what it opens", "ClientRequestToken": token(2) }),
        )?;
        check_eq("VersionId", &updated["VersionId"], &Value::Null)?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"])])?;
        let described = aws.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        check_eq("Description", &described["Description"], &"what it opens")
    }),
    ("an update with the token of another value is rejected", |aws, name| {
        aws.create(name, "first")?;
        let token = aws.version_id(name, 1);
        let input = json!({ "SecretId": name, "SecretString": "second", "ClientRequestToken": token });
        aws.fails_with("UpdateSecret", &input, EXISTS)?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("an update with the token of the same value is rejected too", |aws, name| {
        aws.create(name, "first")?;
        let token = aws.version_id(name, 1);
        let input = json!({ "SecretId": name, "SecretString": "first", "ClientRequestToken": token });
        aws.fails_with("UpdateSecret", &input, EXISTS)
    }),
];
