//! Keys of one source: each with a label and a time in which it is valid, and those of two versions of a secret together.

use std::fmt;

use jiff::Timestamp;

use crate::key_text::{self, Attributes, KeysError};
use crate::window::Window;

/// One or several keys.
#[derive(Clone)]
pub(crate) struct KeyRing<K>(Vec<Labelled<K>>);

/// A key with what is said of it.
#[derive(Clone)]
pub(crate) struct Labelled<K> {
    pub(crate) label: Box<str>,
    window: Window,
    pub(crate) key: K,
}

/// A key that can be told from another one.
pub(crate) trait Distinct {
    /// Whether both are one key.
    fn is_same(&self, other: &Self) -> bool;
}

impl<K> KeyRing<K> {
    /// These keys; at least one and not too many, each with a label of its own.
    pub(crate) fn new(keys: Vec<Labelled<K>>) -> Result<Self, KeysError> {
        key_text::judge(keys.iter().map(|key| &*key.label))?;
        Ok(Self(keys))
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.label)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Labelled<K>> {
        self.0.iter()
    }
}

impl<K: Distinct> KeyRing<K> {
    /// These keys and those of an `earlier` version of the secret. An earlier key that is among these is left out; an
    /// earlier label that is taken gets `-previous` behind it.
    pub(crate) fn and_earlier(mut self, earlier: Self) -> Result<Self, KeysError> {
        for mut earlier in earlier.0 {
            if self.0.iter().any(|known| known.key.is_same(&earlier.key)) {
                continue;
            }
            if self.0.iter().any(|known| known.label == earlier.label) {
                earlier.label = format!("{}-previous", earlier.label).into();
            }
            self.0.push(earlier);
        }
        Self::new(self.0)
    }
}

impl<K> Labelled<K> {
    /// Key number `at`, of which `attributes` are said.
    pub(crate) fn new(attributes: &Attributes, at: usize, key: K) -> Self {
        Self { label: attributes.label_or_position(at), window: attributes.window, key }
    }

    /// Whether it may be used now.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        self.window.contains(now)
    }
}

/// What the keys are called, and nothing else of them.
impl<K> fmt::Debug for KeyRing<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.labels()).finish()
    }
}
