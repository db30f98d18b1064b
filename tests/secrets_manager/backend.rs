//! Whatever answers as Secrets Manager, and what a case may ask of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use reqwest::blocking::Client;
use serde_json::{Value, json};
use tests::secrets_manager::ACCESS_KEY_ID;

/// Longest wait for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// What a case ends with: nothing, or what it found instead. A finding holds no random name, so that it can be listed.
pub(crate) type Outcome = Result<(), String>;

/// A service under test.
pub(crate) struct Backend {
    pub(crate) endpoint_url: String,
    client: Client,
    /// What the first version of a secret is called where its token is not its id: one broken rule breaks one case.
    first_ids: RefCell<BTreeMap<String, String>>,
}

/// An answer: the status, and the body, which is null when it is not JSON.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The error's code, without the namespace that some put before it.
    pub(crate) fn code(&self) -> &str {
        self.body["__type"].as_str().and_then(|code| code.rsplit('#').next()).unwrap_or_default()
    }
}

impl Backend {
    pub(crate) fn new(endpoint_url: String) -> Self {
        let client = Client::builder().no_proxy().timeout(ANSWER_WAIT).build().unwrap();
        Self { endpoint_url, client, first_ids: RefCell::default() }
    }

    pub(crate) fn call(&self, operation: &str, input: &Value) -> Result<Answer, String> {
        self.send(operation, Some(&authorization(ACCESS_KEY_ID)), input.to_string())
    }

    pub(crate) fn send(&self, operation: &str, signed: Option<&str>, body: String) -> Result<Answer, String> {
        let mut request = self
            .client
            .post(&self.endpoint_url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .body(body);
        if let Some(authorization) = signed {
            request = request.header("authorization", authorization);
        }
        let unanswered = |error: reqwest::Error| format!("{operation}: no answer ({error})");
        let response = request.send().map_err(unanswered)?;
        let status = response.status().as_u16();
        let text = response.text().map_err(unanswered)?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// The body of an answer that has to be a success.
    pub(crate) fn done(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let answer = self.call(operation, input)?;
        if answer.status == 200 && answer.code().is_empty() {
            return Ok(answer.body);
        }
        Err(format!("{operation}: expected 200, found {} {}", answer.status, answer.code())
            .trim_end()
            .to_owned())
    }

    /// Has to be refused with one of these codes.
    pub(crate) fn refused(&self, operation: &str, input: &Value, codes: &[&str]) -> Outcome {
        is_refused(operation, &self.call(operation, input)?, codes)
    }

    /// Makes a secret with version 1, and gives its ARN.
    pub(crate) fn create(&self, name: &str, text: &str) -> Result<String, String> {
        let input = json!({ "Name": name, "SecretString": text, "ClientRequestToken": token(1) });
        let answer = self.done("CreateSecret", &input)?;
        let id = answer["VersionId"].as_str().unwrap_or_default();
        self.first_ids.borrow_mut().insert(name.to_owned(), id.to_owned());
        answer["ARN"].as_str().map(str::to_owned).ok_or_else(|| "CreateSecret: no ARN".to_owned())
    }

    /// Adds version `token(number)` with these labels.
    pub(crate) fn put(&self, name: &str, number: u32, text: &str, labels: &[&str]) -> Result<Value, String> {
        let input = json!({
            "SecretId": name,
            "SecretString": text,
            "ClientRequestToken": token(number),
            "VersionStages": labels,
        });
        self.done("PutSecretValue", &input)
    }

    /// Moves a label between versions by their numbers.
    pub(crate) fn move_label(&self, name: &str, label: &str, from: Option<u32>, to: Option<u32>) -> Outcome {
        self.done("UpdateSecretVersionStage", &self.moving(name, label, from, to)).map(drop)
    }

    /// The request that moves a label between versions by their numbers.
    pub(crate) fn moving(&self, name: &str, label: &str, from: Option<u32>, to: Option<u32>) -> Value {
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

    /// The number of a version by its id; 0 for an id that no case chose.
    pub(crate) fn number(&self, name: &str, id: &str) -> u32 {
        if self.version_id(name, 1) == id {
            return 1;
        }
        id.strip_prefix("00000000-0000-4000-8000-").and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// The current text.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        let answer =
            self.done("GetSecretValue", &json!({ "SecretId": name, "VersionStage": "AWSCURRENT" }))?;
        Ok(answer["SecretString"].as_str().unwrap_or_default().to_owned())
    }

    /// The labels of each version that has any, by its number, as DescribeSecret has them.
    pub(crate) fn labels(&self, name: &str) -> Result<Vec<(u32, Vec<String>)>, String> {
        let answer = self.done("DescribeSecret", &json!({ "SecretId": name }))?;
        let empty = serde_json::Map::new();
        let versions = answer["VersionIdsToStages"].as_object().unwrap_or(&empty);
        let mut labels: Vec<(u32, Vec<String>)> =
            versions.iter().map(|(id, labels)| (self.number(name, id), sorted(labels))).collect();
        labels.retain(|(_, labels)| !labels.is_empty());
        labels.sort();
        Ok(labels)
    }

    /// Has to have exactly these labels.
    pub(crate) fn has_labels(&self, name: &str, expected: &[(u32, &[&str])]) -> Outcome {
        let expected: Vec<(u32, Vec<String>)> = expected
            .iter()
            .map(|(number, labels)| (*number, labels.iter().map(|label| (*label).to_owned()).collect()))
            .collect();
        same("labels", &self.labels(name)?, &expected)
    }
}

/// Has to be one of these errors. That the status of every error is 400 is a case of its own.
pub(crate) fn is_refused(operation: &str, answer: &Answer, codes: &[&str]) -> Outcome {
    if (400..500).contains(&answer.status) && codes.contains(&answer.code()) {
        return Ok(());
    }
    let found = format!("{} {}", answer.status, answer.code());
    Err(format!("{operation}: expected {}, found {}", codes.join(" or "), found.trim_end()))
}

/// A header as a signing client sends it. The signature is right for nothing.
pub(crate) fn authorization(access_key_id: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={access_key_id}/20260101/us-east-1/secretsmanager/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    )
}

/// The token, and so the version id, of a version's number.
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

pub(crate) fn same<T: PartialEq<U> + Debug, U: Debug>(what: &str, found: &T, expected: &U) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, found {found:?}"))
}
