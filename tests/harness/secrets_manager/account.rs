//! The secrets of one account, how requests name them, and the clock.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::input::Input;
use super::operation::Operation;
use super::secret::{Data, Secret};
use super::service_error::ServiceError;
use super::{REGION, values};

/// 2026-01-01T00:00:00Z.
const START_UNIX_MS: i64 = 1_767_225_600_000;
const ACCOUNT_ID: &str = "123456789012";
/// Characters that an ARN adds to the name, after a hyphen.
const SUFFIX_CHARS: usize = 6;

/// The labels of a secret after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelState {
    /// By the fake's clock.
    pub unix_ms: i64,
    /// That changed them.
    pub operation: Operation,
    /// Labels by version id, without unlabelled versions.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl LabelState {
    /// The ids of the versions with this label. More than one is an error.
    pub fn versions_with(&self, label: &str) -> Vec<&str> {
        let has = |labels: &[String]| labels.iter().any(|own| own == label);
        self.labels.iter().filter(|(_, labels)| has(labels)).map(|(id, _)| id.as_str()).collect()
    }

    /// Whether exactly one version had this label in every state with labels, and there was such a state.
    pub fn is_always_unique(states: &[Self], label: &str) -> bool {
        let mut labelled = states.iter().filter(|state| !state.labels.is_empty()).peekable();
        labelled.peek().is_some() && labelled.all(|state| state.versions_with(label).len() == 1)
    }
}

#[derive(Clone)]
pub(super) struct Account {
    now_ms: i64,
    secrets: BTreeMap<String, Secret>,
    denied: BTreeSet<String>,
    states: BTreeMap<String, Vec<LabelState>>,
    /// Secrets and seeds so far: makes the next suffix or token unique.
    serial: u64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            now_ms: START_UNIX_MS,
            secrets: BTreeMap::new(),
            denied: BTreeSet::new(),
            states: BTreeMap::new(),
            serial: 0,
        }
    }
}

impl Account {
    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub(super) fn advance(&mut self, milliseconds: i64) {
        self.set_unix_ms(self.now_ms.saturating_add(milliseconds));
    }

    pub(super) fn set_unix_ms(&mut self, now_unix_ms: i64) {
        self.now_ms = now_unix_ms;
        self.secrets
            .retain(|_, secret| secret.deletion_ms.is_none_or(|deletion_ms| deletion_ms > now_unix_ms));
    }

    pub(super) fn deny(&mut self, name: &str) {
        self.denied.insert(name.to_owned());
    }

    pub(super) fn allow(&mut self, name: &str) {
        self.denied.remove(name);
    }

    pub(super) fn denies(&self, name: &str) -> bool {
        self.denied.contains(name)
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.values()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name)
    }

    /// The secret with this name, ARN, or ARN without its suffix.
    pub(super) fn find(&self, id: &str) -> Result<&Secret, ServiceError> {
        let matches = |secret: &&Secret| {
            secret.arn == id || secret.arn.len() == id.len() + SUFFIX_CHARS + 1 && secret.arn.starts_with(id)
        };
        let found = self.secrets.get(id).or_else(|| self.secrets.values().find(matches));
        found.ok_or_else(ServiceError::no_such_secret)
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Result<&mut Secret, ServiceError> {
        let name = self.find(id)?.name.clone();
        self.secrets.get_mut(&name).ok_or_else(ServiceError::no_such_secret)
    }

    /// The secret, unless it is marked for deletion.
    pub(super) fn find_active_mut(&mut self, id: &str) -> Result<&mut Secret, ServiceError> {
        let secret = self.find_mut(id)?;
        secret.check_active()?;
        Ok(secret)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.secrets.remove(name);
    }

    pub(super) fn insert(&mut self, name: &str) -> &mut Secret {
        let suffix = self.suffix();
        let secret = Secret {
            arn: arn(name, &suffix),
            name: name.to_owned(),
            description: None,
            kms_key_id: None,
            tags: BTreeMap::new(),
            created_ms: self.now_ms,
            changed_ms: self.now_ms,
            accessed_ms: None,
            deletion_ms: None,
            versions: Vec::new(),
        };
        self.secrets.entry(name.to_owned()).insert_entry(secret).into_mut()
    }

    /// Letters and digits that no secret of this account has had.
    pub(super) fn suffix(&mut self) -> String {
        const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        self.serial += 1;
        // Prime to 36, so that neighbours look unlike and the first 36^6 differ.
        let mut left = self.serial.wrapping_mul(1_299_709);
        let digit = |_| {
            let digit = DIGITS[usize::try_from(left % 36).unwrap_or_default()];
            left /= 36;
            char::from(digit)
        };
        (0..SUFFIX_CHARS).map(digit).collect()
    }

    pub(super) fn record_labels(&mut self, operation: Operation, name: &str) {
        let labels = self.secrets.get(name).map(Secret::labels).unwrap_or_default();
        let state = LabelState { unix_ms: self.now_ms, operation, labels };
        self.states.entry(name.to_owned()).or_default().push(state);
    }

    pub(super) fn label_states(&self, name: &str) -> Vec<LabelState> {
        self.states.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn text(&self, name: &str, label: &str) -> Option<String> {
        match &self.named(name)?.labelled(label)?.data {
            Data::Text(text) => Some(text.clone()),
            Data::Binary(_) => None,
        }
    }

    pub(super) fn seed(&mut self, name: &str, text: &str) -> String {
        self.serial += 1;
        let token = format!("00000000-0000-4000-9000-{:012}", self.serial);
        let is_new = self.named(name).is_none();
        let id_member = if is_new { "Name" } else { "SecretId" };
        let body = json!({ id_member: name, "SecretString": text, "ClientRequestToken": token }).to_string();
        let input = Input::parse(body.as_bytes()).expect("an object");
        let result = if is_new { values::create(self, &input) } else { values::put(self, &input) };
        result.unwrap_or_else(|error| panic!("{name} cannot be seeded: {error:?}"));
        token
    }
}

pub(super) fn arn(name: &str, suffix: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{name}-{suffix}")
}
