//! A secret, its versions and the rules of their labels.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// Versions that are kept when they have no label.
const VERSIONS_KEPT: usize = 100;
/// A version that is younger is kept whatever their number.
const YOUNG_MS: i64 = 24 * 3_600 * 1_000;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// A value.
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

    /// The member that carries it, and what stands there.
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
    /// When it ends, once that is planned.
    pub(super) ends_ms: Option<i64>,
    /// Oldest first.
    pub(super) versions: Vec<Version>,
}

impl Secret {
    /// Refuses what a secret that is to end does not do.
    pub(super) fn lives(&self) -> Result<(), Refusal> {
        if self.ends_ms.is_none() {
            return Ok(());
        }
        Err(Refusal::request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ))
    }

    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn holder(&self, label: &str) -> Option<&Version> {
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

    /// Gives a version a label, taking it from any other. AWSPREVIOUS follows where AWSCURRENT was.
    pub(super) fn attach(&mut self, label: &str, id: &str) {
        let was = self.holder(label).map(|version| version.id.clone()).filter(|was| was != id);
        self.place(label, id);
        if let (CURRENT, Some(was)) = (label, was) {
            self.place(PREVIOUS, &was);
        }
    }

    fn place(&mut self, label: &str, id: &str) {
        self.detach(label);
        let version = self.versions.iter_mut().find(|version| version.id == id);
        version.expect("the caller looked the version up").labels.push(label.to_owned());
    }

    pub(super) fn detach(&mut self, label: &str) {
        self.versions.iter_mut().for_each(|version| version.labels.retain(|own| own != label));
    }

    /// Forgets the oldest versions that have no label and are no longer young, while there are too many.
    pub(super) fn prune(&mut self, now_ms: i64) {
        let is_old = |version: &Version| version.labels.is_empty() && now_ms - version.created_ms >= YOUNG_MS;
        while self.versions.len() > VERSIONS_KEPT {
            let Some(oldest) = self.versions.iter().position(is_old) else { return };
            self.versions.remove(oldest);
        }
    }

    /// The day of a read is kept, not its time.
    pub(super) fn touch(&mut self, now_ms: i64) {
        self.accessed_ms = Some(now_ms - now_ms.rem_euclid(DAY_MS));
    }

    /// ARN and name, as almost every answer has them.
    pub(super) fn identity(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("ARN".to_owned(), json!(self.arn));
        members.insert("Name".to_owned(), json!(self.name));
        members
    }

    /// Everything but the values; the labels stand under this member. What has no value is left out.
    pub(super) fn details(&self, labels_member: &str) -> Map<String, Value> {
        let tags: Vec<Value> =
            self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let optional = [
            ("Description", self.description.as_ref().map(|text| json!(text))),
            ("KmsKeyId", self.kms_key_id.as_ref().map(|text| json!(text))),
            ("LastAccessedDate", self.accessed_ms.map(seconds)),
            ("DeletedDate", self.ends_ms.map(seconds)),
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

    /// The versions that have labels, with them.
    pub(super) fn labels(&self) -> BTreeMap<String, Vec<String>> {
        let labelled = self.versions.iter().filter(|version| !version.labels.is_empty());
        labelled.map(|version| (version.id.clone(), version.labels.clone())).collect()
    }
}

/// An instant as JSON 1.1 has it: seconds since 1970, with a fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this century are exact in a double")]
pub(super) fn seconds(unix_ms: i64) -> Value {
    json!(unix_ms as f64 / 1_000.0)
}
