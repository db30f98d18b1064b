//! The protocol itself: signatures, targets, bodies.

use serde_json::json;
use tests::secrets_manager::ACCESS_KEY_ID;

use super::Case;
use crate::backend::{authorization, is_refused, same, token};

const UNRECOGNIZED: &[&str] = &["UnrecognizedClientException"];
const WRONG: &[&str] = &["InvalidParameterException", "ValidationException"];

pub(super) const CASES: &[Case] = &[
    ("an unsigned request is refused", |aws, _| {
        let answer = aws.send("ListSecrets", None, json!({}).to_string())?;
        is_refused("ListSecrets", &answer, UNRECOGNIZED)
    }),
    ("a request signed by a stranger is refused", |aws, _| {
        let stranger = authorization("AKIDSTRANGER00000001");
        let answer = aws.send("ListSecrets", Some(&stranger), json!({}).to_string())?;
        is_refused("ListSecrets", &answer, UNRECOGNIZED)
    }),
    ("an operation that does not exist is refused", |aws, _| {
        let answer = aws.call("GuessSecretValue", &json!({}))?;
        is_refused("GuessSecretValue", &answer, &["UnknownOperationException"])
    }),
    ("a body that is not JSON is refused", |aws, _| {
        let signed = authorization(ACCESS_KEY_ID);
        let answer = aws.send("ListSecrets", Some(&signed), "{\"MaxResults\":".to_owned())?;
        is_refused("ListSecrets", &answer, &["SerializationException"])
    }),
    ("every refusal has status 400", |aws, name| {
        aws.create(name, "first")?;
        let table = [
            ("CreateSecret", json!({ "Name": name, "SecretString": "b", "ClientRequestToken": token(2) })),
            ("DeleteSecret", json!({ "SecretId": name, "RecoveryWindowInDays": 1 })),
            ("GetSecretValue", json!({ "SecretId": format!("{name}/missing") })),
            ("GetSecretValue", json!({ "SecretId": name, "VersionStage": "AWSPENDING" })),
        ];
        table.iter().try_for_each(|(operation, input)| {
            let answer = aws.call(operation, input)?;
            same(&format!("status of {}", answer.code()), &answer.status, &400)
        })
    }),
    ("a request without the secret's name is refused", |aws, _| {
        aws.refused("GetSecretValue", &json!({}), WRONG)
    }),
];
