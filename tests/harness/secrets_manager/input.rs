//! A request's members, with their types and bounds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::secret::Data;
use super::service_error::ServiceError;

const VALUE_BYTES_MAX: usize = 65_536;
const SECRET_ID_CHARS_MAX: usize = 2_048;
const LABEL_CHARS_MAX: usize = 256;
/// Labels in one request, and on all versions of one secret together.
pub(super) const LABELS_MAX: usize = 20;
/// A token becomes a version's id.
const TOKEN_CHARS: std::ops::RangeInclusive<usize> = 32..=64;

pub(super) struct Input(Map<String, Value>);

impl Input {
    pub(super) fn parse(body: &[u8]) -> Result<Self, ServiceError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(ServiceError::malformed("Expected an object")),
            Err(_) => Err(ServiceError::malformed("Unable to parse JSON")),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ServiceError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ServiceError::malformed(format!("{name} is not a string"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, ServiceError> {
        self.text(name)?.ok_or_else(|| ServiceError::member(name, "not be null"))
    }

    fn bounded(&self, name: &str, chars_max: usize) -> Result<Option<&str>, ServiceError> {
        match self.text(name)? {
            Some(text) if text.is_empty() || text.chars().count() > chars_max => {
                Err(ServiceError::member(name, &format!("have length from 1 to {chars_max}")))
            }
            text => Ok(text),
        }
    }

    pub(super) fn secret_id(&self) -> Result<&str, ServiceError> {
        self.required("SecretId")?;
        Ok(self.bounded("SecretId", SECRET_ID_CHARS_MAX)?.unwrap_or_default())
    }

    pub(super) fn label(&self) -> Result<Option<&str>, ServiceError> {
        self.bounded("VersionStage", LABEL_CHARS_MAX)
    }

    pub(super) fn version_id(&self, name: &str) -> Result<Option<&str>, ServiceError> {
        match self.text(name)? {
            Some(id) if !TOKEN_CHARS.contains(&id.chars().count()) => {
                Err(ServiceError::member(name, "have length from 32 to 64"))
            }
            id => Ok(id),
        }
    }

    /// The token of a request that creates a version. The SDKs always send one.
    pub(super) fn token(&self) -> Result<&str, ServiceError> {
        let token = self.text("ClientRequestToken")?.ok_or_else(|| {
            ServiceError::parameter(
                "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            )
        })?;
        if TOKEN_CHARS.contains(&token.chars().count()) {
            return Ok(token);
        }
        Err(ServiceError::parameter("ClientRequestToken must be 32-64 characters long."))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ServiceError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ServiceError::malformed(format!("{name} is not a boolean"))),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ServiceError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(ServiceError::malformed(format!("{name} is not an integer"))),
            },
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&Vec<Value>>, ServiceError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(_) => Err(ServiceError::malformed(format!("{name} is not a list"))),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, ServiceError> {
        let Some(values) = self.list(name)? else { return Ok(None) };
        let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
        texts.map(Some).ok_or_else(|| ServiceError::malformed(format!("{name} holds what is not a string")))
    }

    /// The labels for a new version.
    pub(super) fn labels(&self) -> Result<Option<Vec<&str>>, ServiceError> {
        let labels = self.texts("VersionStages")?;
        let is_invalid = |labels: &Vec<&str>| {
            labels.is_empty()
                || labels.len() > LABELS_MAX
                || labels.iter().any(|label| label.is_empty() || label.chars().count() > LABEL_CHARS_MAX)
        };
        if labels.as_ref().is_some_and(is_invalid) {
            return Err(ServiceError::member(
                "versionStages",
                "have from 1 to 20 labels of 1 to 256 characters",
            ));
        }
        Ok(labels)
    }

    /// The value: text or bytes, never both.
    pub(super) fn data(&self) -> Result<Option<Data>, ServiceError> {
        let data = match (self.text("SecretString")?, self.text("SecretBinary")?) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(ServiceError::parameter(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (Some(text), None) => Data::Text(text.to_owned()),
            (None, Some(text)) => {
                let bytes = STANDARD
                    .decode(text)
                    .map_err(|_| ServiceError::malformed("SecretBinary is not Base64"))?;
                Data::Binary(bytes)
            }
        };
        if (1..=VALUE_BYTES_MAX).contains(&data.size_bytes()) {
            return Ok(Some(data));
        }
        Err(ServiceError::member("secretString", "have length from 1 to 65536"))
    }
}
