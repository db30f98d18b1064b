//! The text of a secret that holds keys: one or several, each with a label and a time in which it is valid.

use jiff::Timestamp;

use crate::validity_period::ValidityPeriod;

/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 64;

/// Why a text holds no keys. Never repeats what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The text is empty.
    #[error("no key found: write at least one")]
    Empty,
    /// More keys than are tried for each delivery.
    #[error("more than 16 keys: remove those that are no longer used")]
    TooMany,
    /// A secret that is too short to resist guessing.
    #[error("the secret of key {0} is shorter than 16 bytes: use at least 32 random characters")]
    Short(usize),
    /// A label that cannot be a metric's label.
    #[error("the label of key {0} is not 1 to 64 letters, digits, -, _ and .")]
    Label(usize),
    /// Two keys have one label.
    #[error("the label of key {0} is already used by another key")]
    DuplicateLabel(usize),
    /// A time cannot be parsed, or the period is empty.
    #[error(
        "not_before and not_after of key {0} must be times such as 2026-01-31T00:00:00Z, not_before the earlier one"
    )]
    ValidityPeriod(usize),
    /// An unknown attribute.
    #[error("key {0} must be the secret alone, or label=… not_before=… not_after=… secret=…")]
    Attribute(usize),
    /// Not a public key.
    #[error("key {0} is not a PEM block `PUBLIC KEY` of an RSA key of 2048 to 8192 bits")]
    PublicKey(usize),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    label: Option<Box<str>>,
    pub(super) validity: ValidityPeriod,
}

impl Attributes {
    /// Whether a line begins with attributes.
    pub(super) fn begin(line: &str) -> bool {
        ["label=", "not_before=", "not_after=", "secret="].iter().any(|name| line.starts_with(name))
    }

    /// Adds `label=…`, `not_before=…` or `not_after=…` of key number `at`, each once.
    pub(super) fn add(&mut self, word: &str, at: usize) -> Result<(), KeysError> {
        let (name, value) = word.split_once('=').ok_or(KeysError::Attribute(at))?;
        let is_new = match name {
            "label" => self.label.replace(label(value, at)?).is_none(),
            "not_before" => self.validity.not_before.replace(instant(value, at)?).is_none(),
            "not_after" => self.validity.not_after.replace(instant(value, at)?).is_none(),
            _ => false,
        };
        if !is_new {
            return Err(KeysError::Attribute(at));
        }
        if self.validity.is_empty() { Err(KeysError::ValidityPeriod(at)) } else { Ok(()) }
    }

    /// The label, or `key1` for the first.
    pub(super) fn label_or_position(&self, at: usize) -> Box<str> {
        self.label.clone().unwrap_or_else(|| format!("key{at}").into())
    }
}

fn label(text: &str, at: usize) -> Result<Box<str>, KeysError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let is_label = is_plain && (1..=LABEL_BYTES_MAX).contains(&text.len());
    if is_label { Ok(text.into()) } else { Err(KeysError::Label(at)) }
}

fn instant(text: &str, at: usize) -> Result<Timestamp, KeysError> {
    text.parse().map_err(|_| KeysError::ValidityPeriod(at))
}
