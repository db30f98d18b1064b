//! Keys as an operator writes them: one or several, each with a label and a time in which it is valid.

use jiff::Timestamp;

use crate::window::Window;

/// Most keys of one source. Each costs a check per delivery.
pub(crate) const KEYS_MAX: usize = 16;
/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 64;

/// Why a text holds no keys. Never repeats what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Nothing in it.
    #[error("there is no key: write one")]
    Empty,
    /// More than are checked per delivery.
    #[error("there are more than 16 keys: remove those that are no longer used")]
    TooMany,
    /// A secret too short to resist guessing.
    #[error("the secret of key {0} is shorter than 16 bytes: use at least 32 random characters")]
    Short(usize),
    /// A label that could not be a metric's label.
    #[error("the label of key {0} is not 1 to 64 letters, digits, -, _ and .")]
    Label(usize),
    /// Two keys of one name.
    #[error("the label of key {0} is that of another key")]
    LabelTwice(usize),
    /// Not a time.
    #[error(
        "not_before and not_after of key {0} are times such as 2026-01-31T00:00:00Z, the first before the second"
    )]
    Window(usize),
    /// Not an attribute that is known.
    #[error("key {0} is written label=… not_before=… not_after=… secret=…, or is the secret alone")]
    Attribute(usize),
    /// Not a public key.
    #[error("key {0} is not a PEM block `PUBLIC KEY` of an RSA key of 2048 to 8192 bits")]
    PublicKey(usize),
}

/// What is said of a key beside the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) label: Option<Box<str>>,
    pub(crate) window: Window,
}

impl Attributes {
    /// Takes `label=…`, `not_before=…` or `not_after=…` of key number `at`, each once.
    pub(crate) fn take(&mut self, word: &str, at: usize) -> Result<(), KeysError> {
        let (name, value) = word.split_once('=').ok_or(KeysError::Attribute(at))?;
        let is_new = match name {
            "label" => self.label.replace(label(value, at)?).is_none(),
            "not_before" => self.window.not_before.replace(instant(value, at)?).is_none(),
            "not_after" => self.window.not_after.replace(instant(value, at)?).is_none(),
            _ => false,
        };
        if !is_new {
            return Err(KeysError::Attribute(at));
        }
        if self.window.is_sound() { Ok(()) } else { Err(KeysError::Window(at)) }
    }

    /// The label, or `key1` for the first.
    pub(crate) fn label_or_position(&self, at: usize) -> Box<str> {
        self.label.clone().unwrap_or_else(|| format!("key{at}").into())
    }
}

/// Whether a line begins with attributes.
pub(crate) fn has_attributes(line: &str) -> bool {
    ["label=", "not_before=", "not_after=", "secret="].iter().any(|name| line.starts_with(name))
}

fn label(text: &str, at: usize) -> Result<Box<str>, KeysError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let is_label = is_plain && (1..=LABEL_BYTES_MAX).contains(&text.len());
    if is_label { Ok(text.into()) } else { Err(KeysError::Label(at)) }
}

fn instant(text: &str, at: usize) -> Result<Timestamp, KeysError> {
    text.parse().map_err(|_| KeysError::Window(at))
}

/// How many there are, and that no two have one name.
pub(crate) fn judge<'a>(labels: impl Iterator<Item = &'a str>) -> Result<(), KeysError> {
    let mut seen: Vec<&str> = Vec::new();
    for (at, label) in labels.enumerate() {
        if at == KEYS_MAX {
            return Err(KeysError::TooMany);
        }
        if seen.contains(&label) {
            return Err(KeysError::LabelTwice(at + 1));
        }
        seen.push(label);
    }
    if seen.is_empty() { Err(KeysError::Empty) } else { Ok(()) }
}
