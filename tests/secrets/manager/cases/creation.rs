//! CreateSecret.

use serde_json::{Value, json};

use super::Case;
use crate::manager::backend::{Backend, Outcome, check_eq, token};

const VALUE_BYTES_MAX: usize = 65_536;

pub(super) const CASES: &[Case] = &[
    ("the token of a creation becomes the version's id", |aws, name| {
        aws.create(name, "first")?;
        let read = aws.succeeds("GetSecretValue", &json!({ "SecretId": name }))?;
        check_eq("the version's id is the token", &(read["VersionId"] == token(1)), &true)
    }),
    ("the first version of a created secret is current", |aws, name| {
        aws.create(name, "first")?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"])])
    }),
    ("an ARN ends with the name, a hyphen and six characters", |aws, name| {
        let arn = aws.create(name, "first")?;
        let suffix = arn.rsplit('-').next().unwrap_or_default();
        check_eq("characters after the hyphen", &suffix.len(), &6)?;
        let begin = format!(":secret:{name}-{suffix}");
        check_eq("the ARN ends with the name", &arn.ends_with(&begin), &true)
    }),
    ("a binary value comes back as it was sent", |aws, name| {
        let input = json!({ "Name": name, "SecretBinary": "AAECA/8=", "ClientRequestToken": token(1) });
        aws.succeeds("CreateSecret", &input)?;
        let read = aws.succeeds("GetSecretValue", &json!({ "SecretId": name }))?;
        check_eq("SecretBinary", &read["SecretBinary"], &"AAECA/8=")?;
        check_eq("SecretString", &read["SecretString"], &Value::Null)
    }),
    ("a creation repeated with its token and value gets the same response", |aws, name| {
        let arn = aws.create(name, "first")?;
        check_eq("the ARN is the same", &(aws.create(name, "first")? == arn), &true)?;
        aws.has_labels(name, &[(1, &["AWSCURRENT"])])
    }),
    ("a creation repeated with its token and another value is rejected", |aws, name| {
        aws.create(name, "first")?;
        fails_with(
            aws,
            &json!({ "Name": name, "SecretString": "second", "ClientRequestToken": token(1) }),
            EXISTS,
        )?;
        check_eq("SecretString", &aws.text(name)?, &"first")
    }),
    ("a creation of a name that exists with another token is rejected", |aws, name| {
        aws.create(name, "first")?;
        fails_with(
            aws,
            &json!({ "Name": name, "SecretString": "first", "ClientRequestToken": token(2) }),
            EXISTS,
        )
    }),
    ("a secret created without a value has no version to read", |aws, name| {
        let created =
            aws.succeeds("CreateSecret", &json!({ "Name": name, "ClientRequestToken": token(1) }))?;
        check_eq("there is no VersionId", &created["VersionId"].is_null(), &true)?;
        aws.has_labels(name, &[])?;
        aws.fails_with("GetSecretValue", &json!({ "SecretId": name }), &["ResourceNotFoundException"])
    }),
    ("a creation with a value but without a token is rejected", |aws, name| {
        fails_with(aws, &json!({ "Name": name, "SecretString": "first" }), WRONG)
    }),
    ("a token of fewer than 32 characters is rejected", |aws, name| {
        fails_with(
            aws,
            &json!({ "Name": name, "SecretString": "first", "ClientRequestToken": "short" }),
            WRONG,
        )
    }),
    ("a value both as text and as bytes is rejected", |aws, name| {
        let token = token(1);
        let both =
            json!({ "Name": name, "SecretString": "a", "SecretBinary": "YQ==", "ClientRequestToken": token });
        fails_with(aws, &both, WRONG)
    }),
    ("an empty value is rejected", |aws, name| {
        fails_with(aws, &json!({ "Name": name, "SecretString": "", "ClientRequestToken": token(1) }), WRONG)
    }),
    ("a value of 65,536 bytes is kept", |aws, name| {
        let text = "x".repeat(VALUE_BYTES_MAX);
        aws.create(name, &text)?;
        check_eq("the value is the same", &(aws.text(name)? == text), &true)
    }),
    ("a value of 65,537 bytes is rejected", |aws, name| {
        let text = "x".repeat(VALUE_BYTES_MAX + 1);
        fails_with(aws, &json!({ "Name": name, "SecretString": text, "ClientRequestToken": token(1) }), WRONG)
    }),
    ("a name with a character outside the pattern is rejected", |aws, name| {
        let name = format!("{name} with blanks");
        fails_with(
            aws,
            &json!({ "Name": name, "SecretString": "first", "ClientRequestToken": token(1) }),
            WRONG,
        )
    }),
    ("a name of 513 characters is rejected", |aws, name| {
        let name = format!("{name}{}", "x".repeat(513 - name.len()));
        fails_with(
            aws,
            &json!({ "Name": name, "SecretString": "first", "ClientRequestToken": token(1) }),
            WRONG,
        )
    }),
];

const EXISTS: &[&str] = &["ResourceExistsException"];
const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

fn fails_with(aws: &Backend, input: &Value, codes: &[&str]) -> Outcome {
    aws.fails_with("CreateSecret", input, codes)
}
