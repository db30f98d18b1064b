//! BatchGetSecretValue.

use serde_json::{Value, json};

use super::account::Account;
use super::input::Input;
use super::listing;
use super::service_error::ServiceError;
use super::values;

const BATCH_MAX: usize = 20;

pub(super) fn get(account: &mut Account, input: &Input) -> Result<Value, ServiceError> {
    let ids = input.texts("SecretIdList")?;
    match (ids, input.has("Filters")) {
        (Some(ids), false) => {
            if ids.is_empty() || ids.len() > BATCH_MAX {
                return Err(ServiceError::member("secretIdList", "have length from 1 to 20"));
            }
            if input.has("MaxResults") {
                return Err(ServiceError::parameter(
                    "'Filters' must be specified when 'MaxResults' is provided.",
                ));
            }
            let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
            Ok(read_each(account, &ids, None))
        }
        (None, true) => {
            let (names, next_token) = listing::page(account, input, BATCH_MAX)?;
            Ok(read_each(account, &names, next_token))
        }
        (Some(_), true) | (None, false) => {
            Err(ServiceError::parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both."))
        }
    }
}

fn read_each(account: &mut Account, ids: &[String], next_token: Option<String>) -> Value {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        match values::read(account, id, None, None) {
            Ok(value) => values.push(value),
            Err(ServiceError { code, message, .. }) => {
                errors.push(json!({ "SecretId": id, "ErrorCode": code, "Message": message }));
            }
        }
    }
    let mut output = json!({ "SecretValues": values, "Errors": errors });
    if let Some(token) = next_token {
        output["NextToken"] = json!(token);
    }
    output
}
