//! A secret, its versions and the rules of labels.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::service_error::ServiceError;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// Without labels.
const VERSIONS_KEPT: usize = 100;
/// Younger versions are kept whatever their number.
const YOUNG_MS: i64 = 24 * 3_600 * 1_000;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

#[derive(Clone, PartialEq)]
pub(super) enum Data {
    Text(String),
    Binary(Vec<u8>),
}

impl Data {
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// The JSON member that carries it, and its content.
    pub(super) fn member(&self) -> (&'static str, Value) {
        match self {
            Self::Text(text) => ("SecretString", json!(text)),
            Self::Binary(bytes) => ("SecretBinary", json!(STANDARD.encode(bytes))),
        }
    }
}

#[derive(Clone)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) data: Data,
    pub(super) created_ms: i64,
    pub(super) labels: Vec<String>,
}

impl Version {
    pub(super) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
    }
}

#[derive(Clone)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created_ms: i64,
    pub(super) changed_ms: i64,
    pub(super) accessed_ms: Option<i64>,
    /// When it is deleted, once that is scheduled.
    pub(super) deletion_ms: Option<i64>,
    /// Oldest first.
    pub(super) versions: Vec<Version>,
}

impl Secret {
    /// Fails when it is marked for deletion.
    pub(super) fn check_active(&self) -> Result<(), ServiceError> {
        if self.deletion_ms.is_none() {
            return Ok(());
        }
        Err(ServiceError::request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ))
    }

    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn labelled(&self, label: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.has(label))
    }

    pub(super) fn labels_total(&self) -> usize {
        self.versions.iter().map(|version| version.labels.len()).sum()
    }

    pub(super) fn add(&mut self, id: &str, data: Data, now_ms: i64) {
        let version = Version { id: id.to_owned(), data, created_ms: now_ms, labels: Vec::new() };
        self.versions.push(version);
        self.changed_ms = now_ms;
    }

    /// Moves a label to a version. AWSPREVIOUS moves to where AWSCURRENT was.
    pub(super) fn attach(&mut self, label: &str, id: &str) {
        let was = self.labelled(label).map(|version| version.id.clone()).filter(|was| was != id);
        self.attach_only(label, id);
        if let (CURRENT, Some(was)) = (label, was) {
            self.attach_only(PREVIOUS, &was);
        }
    }

    fn attach_only(&mut self, label: &str, id: &str) {
        self.detach(label);
        let version = self.versions.iter_mut().find(|version| version.id == id);
        version.expect("the caller looked the version up").labels.push(label.to_owned());
    }

    pub(super) fn detach(&mut self, label: &str) {
        self.versions.iter_mut().for_each(|version| version.labels.retain(|own| own != label));
    }

    /// Deletes the oldest versions that are unlabelled and not young, while there are too many.
    pub(super) fn prune(&mut self, now_ms: i64) {
        let is_old = |version: &Version| version.labels.is_empty() && now_ms - version.created_ms >= YOUNG_MS;
        while self.versions.len() > VERSIONS_KEPT {
            let Some(oldest) = self.versions.iter().position(is_old) else { return };
            self.versions.remove(oldest);
        }
    }

    /// AWS stores the day of a read, not its time.
    pub(super) fn touch(&mut self, now_ms: i64) {
        self.accessed_ms = Some(now_ms - now_ms.rem_euclid(DAY_MS));
    }

    /// ARN and name, which almost every response has.
    pub(super) fn identity(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("ARN".to_owned(), json!(self.arn));
        members.insert("Name".to_owned(), json!(self.name));
        members
    }

    /// Everything but the values, with the labels in this member. Empty members are left out.
    pub(super) fn details(&self, labels_member: &str) -> Map<String, Value> {
        let tags: Vec<Value> =
            self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let optional = [
            ("Description", self.description.as_ref().map(|text| json!(text))),
            ("KmsKeyId", self.kms_key_id.as_ref().map(|text| json!(text))),
            ("LastAccessedDate", self.accessed_ms.map(seconds)),
            ("DeletedDate", self.deletion_ms.map(seconds)),
            ("Tags", (!tags.is_empty()).then(|| json!(tags))),
            (labels_member, (self.labels_total() > 0).then(|| json!(self.labels()))),
        ];
        let mut members = self.identity();
        members.insert("CreatedDate".to_owned(), seconds(self.created_ms));
        members.insert("LastChangedDate".to_owned(), seconds(self.changed_ms));
        let present = optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        members.extend(present);
        members
    }

    /// Labels by version id, without unlabelled versions.
    pub(super) fn labels(&self) -> BTreeMap<String, Vec<String>> {
        let labelled = self.versions.iter().filter(|version| !version.labels.is_empty());
        labelled.map(|version| (version.id.clone(), version.labels.clone())).collect()
    }
}

/// A time in JSON 1.1: seconds since 1970, with a fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this century are exact in a double")]
pub(super) fn seconds(unix_ms: i64) -> Value {
    json!(unix_ms as f64 / 1_000.0)
}
