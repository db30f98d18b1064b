//! A client of anything that speaks as Secrets Manager, and the checks that cases use.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use reqwest::blocking::Client;
use serde_json::{Value, json};
use tests::secrets_manager::ACCESS_KEY_ID;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);

/// A failure's text has no random names, so that `deviations.json` can list it.
pub(crate) type Outcome = Result<(), String>;

pub(crate) struct Backend {
    pub(crate) endpoint_url: String,
    client: Client,
    /// The first version's id of each secret, for backends where it is not the token: one broken rule fails one case.
    first_ids: RefCell<BTreeMap<String, String>>,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    /// Null when it is not JSON.
    pub(crate) body: Value,
}

impl Response {
    /// The error code, without the namespace that some backends prepend.
    pub(crate) fn code(&self) -> &str {
        self.body["__type"].as_str().and_then(|code| code.rsplit('#').next()).unwrap_or_default()
    }
}

impl Backend {
    pub(crate) fn new(endpoint_url: String) -> Self {
        let client = Client::builder().no_proxy().timeout(RESPONSE_TIMEOUT).build().unwrap();
        Self { endpoint_url, client, first_ids: RefCell::default() }
    }

    pub(crate) fn call(&self, operation: &str, input: &Value) -> Result<Response, String> {
        self.send(operation, Some(&authorization(ACCESS_KEY_ID)), input.to_string())
    }

    pub(crate) fn send(
        &self,
        operation: &str,
        authorization: Option<&str>,
        body: String,
    ) -> Result<Response, String> {
        let mut request = self
            .client
            .post(&self.endpoint_url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .body(body);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let failed = |error: reqwest::Error| format!("{operation}: no response ({error})");
        let response = request.send().map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.text().map_err(failed)?;
        Ok(Response { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// Expects success and returns the body.
    pub(crate) fn succeeds(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let response = self.call(operation, input)?;
        if response.status == 200 && response.code().is_empty() {
            return Ok(response.body);
        }
        Err(format!("{operation}: expected 200, found {} {}", response.status, response.code())
            .trim_end()
            .to_owned())
    }

    /// Expects an error with one of these codes.
    pub(crate) fn fails_with(&self, operation: &str, input: &Value, codes: &[&str]) -> Outcome {
        check_error(operation, &self.call(operation, input)?, codes)
    }

    /// Creates a secret with version 1 and returns its ARN.
    pub(crate) fn create(&self, name: &str, text: &str) -> Result<String, String> {
        let input = json!({ "Name": name, "SecretString": text, "ClientRequestToken": token(1) });
        let response = self.succeeds("CreateSecret", &input)?;
        let id = response["VersionId"].as_str().unwrap_or_default();
        self.first_ids.borrow_mut().insert(name.to_owned(), id.to_owned());
        response["ARN"].as_str().map(str::to_owned).ok_or_else(|| "CreateSecret: no ARN".to_owned())
    }

    /// Adds a version with these labels.
    pub(crate) fn put(&self, name: &str, number: u32, text: &str, labels: &[&str]) -> Result<Value, String> {
        let input = json!({
            "SecretId": name,
            "SecretString": text,
            "ClientRequestToken": token(number),
            "VersionStages": labels,
        });
        self.succeeds("PutSecretValue", &input)
    }

    /// Moves a label between versions by their numbers.
    pub(crate) fn move_label(&self, name: &str, label: &str, from: Option<u32>, to: Option<u32>) -> Outcome {
        self.succeeds("UpdateSecretVersionStage", &self.label_move(name, label, from, to)).map(drop)
    }

    /// The request that moves a label between versions by their numbers.
    pub(crate) fn label_move(&self, name: &str, label: &str, from: Option<u32>, to: Option<u32>) -> Value {
        let mut input = json!({ "SecretId": name, "VersionStage": label });
        if let Some(from) = from {
            input["RemoveFromVersionId"] = json!(self.version_id(name, from));
        }
        if let Some(to) = to {
            input["MoveToVersionId"] = json!(self.version_id(name, to));
        }
        input
    }

    /// The id of a version by its number.
    pub(crate) fn version_id(&self, name: &str, number: u32) -> String {
        let first = self.first_ids.borrow().get(name).cloned();
        first.filter(|_| number == 1).unwrap_or_else(|| token(number))
    }

    /// The number of a version by its id; 0 for an unknown id.
    pub(crate) fn number(&self, name: &str, id: &str) -> u32 {
        if self.version_id(name, 1) == id {
            return 1;
        }
        id.strip_prefix("00000000-0000-4000-8000-").and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// The current text.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        let response =
            self.succeeds("GetSecretValue", &json!({ "SecretId": name, "VersionStage": "AWSCURRENT" }))?;
        Ok(response["SecretString"].as_str().unwrap_or_default().to_owned())
    }

    /// DescribeSecret's labels of each labelled version, by number.
    pub(crate) fn labels(&self, name: &str) -> Result<Vec<(u32, Vec<String>)>, String> {
        let response = self.succeeds("DescribeSecret", &json!({ "SecretId": name }))?;
        let empty = serde_json::Map::new();
        let versions = response["VersionIdsToStages"].as_object().unwrap_or(&empty);
        let mut labels: Vec<(u32, Vec<String>)> =
            versions.iter().map(|(id, labels)| (self.number(name, id), sorted(labels))).collect();
        labels.retain(|(_, labels)| !labels.is_empty());
        labels.sort();
        Ok(labels)
    }

    pub(crate) fn has_labels(&self, name: &str, expected: &[(u32, &[&str])]) -> Outcome {
        let expected: Vec<(u32, Vec<String>)> = expected
            .iter()
            .map(|(number, labels)| (*number, labels.iter().map(|label| (*label).to_owned()).collect()))
            .collect();
        check_eq("labels", &self.labels(name)?, &expected)
    }
}

/// Any status from 400 to 499: that it is always 400 is a case of its own.
pub(crate) fn check_error(operation: &str, response: &Response, codes: &[&str]) -> Outcome {
    if (400..500).contains(&response.status) && codes.contains(&response.code()) {
        return Ok(());
    }
    let found = format!("{} {}", response.status, response.code());
    Err(format!("{operation}: expected {}, found {}", codes.join(" or "), found.trim_end()))
}

/// A header as a signing client sends it. The signature is not valid.
pub(crate) fn authorization(access_key_id: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={access_key_id}/20260101/us-east-1/secretsmanager/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    )
}

/// The token of a version by its number; it becomes the version's id.
pub(crate) fn token(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The texts of a JSON list, sorted.
pub(crate) fn sorted(list: &Value) -> Vec<String> {
    let mut texts: Vec<String> =
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    texts.sort();
    texts
}

pub(crate) fn check_eq<T: PartialEq<U> + Debug, U: Debug>(what: &str, found: &T, expected: &U) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, found {found:?}"))
}
