//! The protocol itself: signatures, targets, bodies.

use serde_json::json;
use tests::secrets_manager::ACCESS_KEY_ID;

use super::Case;
use crate::manager::backend::{authorization, check_eq, check_error, token};

const UNRECOGNIZED: &[&str] = &["UnrecognizedClientException"];
const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("an unsigned request is rejected", |aws, _| {
        let response = aws.send("ListSecrets", None, json!({}).to_string())?;
        check_error("ListSecrets", &response, UNRECOGNIZED)
    }),
    ("a request with an unknown access key is rejected", |aws, _| {
        let authorization = authorization("AKIDUNKNOWN000000001");
        let response = aws.send("ListSecrets", Some(&authorization), json!({}).to_string())?;
        check_error("ListSecrets", &response, UNRECOGNIZED)
    }),
    ("an operation that does not exist is rejected", |aws, _| {
        let response = aws.call("GuessSecretValue", &json!({}))?;
        check_error("GuessSecretValue", &response, &["UnknownOperationException"])
    }),
    ("a body that is not JSON is rejected", |aws, _| {
        let signed = authorization(ACCESS_KEY_ID);
        let response = aws.send("ListSecrets", Some(&signed), "{\"MaxResults\":".to_owned())?;
        check_error("ListSecrets", &response, &["SerializationException"])
    }),
    ("every error has status 400", |aws, name| {
        aws.create(name, "first")?;
        let table = [
            ("CreateSecret", json!({ "Name": name, "SecretString": "b", "ClientRequestToken": token(2) })),
            ("DeleteSecret", json!({ "SecretId": name, "RecoveryWindowInDays": 1 })),
            ("GetSecretValue", json!({ "SecretId": format!("{name}/missing") })),
            ("GetSecretValue", json!({ "SecretId": name, "VersionStage": "AWSPENDING" })),
        ];
        table.iter().try_for_each(|(operation, input)| {
            let response = aws.call(operation, input)?;
            check_eq(&format!("status of {}", response.code()), &response.status, &400)
        })
    }),
    ("a request without the secret's name is rejected", |aws, _| {
        aws.fails_with("GetSecretValue", &json!({}), WRONG)
    }),
];
