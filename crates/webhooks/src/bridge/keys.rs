//! Public keys of endpoints.

use std::fmt;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use jiff::Timestamp;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use crate::key_text::{self, Attributes, KeysError};
use crate::rejection::Rejection;
use crate::rsa;
use crate::window::Window;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// One or several public keys, each with a label and a time in which it is valid.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    label: Box<str>,
    window: Window,
    spki: Box<[u8]>,
    key: ParsedPublicKey,
}

impl Keys {
    /// Reads PEM blocks `PUBLIC KEY`, as Bridge answers them when an endpoint is created; line breaks may be written
    /// `\n`. Lines `label=deposits`, `not_before=2026-02-01T00:00:00Z` and `not_after=…` before a block, or one line of
    /// several, say more of the key in it. Without a label the first key is `key1`.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let text = text.replace("\\r", "").replace("\\n", "\n");
        let mut keys = Vec::new();
        let (mut attributes, mut block) = (Attributes::default(), String::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let at = keys.len() + 1;
            let is_inside = !block.is_empty();
            if !is_inside && !line.starts_with(BEGIN) {
                line.split_ascii_whitespace().try_for_each(|word| attributes.take(word, at))?;
                continue;
            }
            block.push_str(line);
            block.push('\n');
            if line.starts_with(END) {
                keys.push(Key::parse(&block, &std::mem::take(&mut attributes), at)?);
                block.clear();
            }
        }
        let is_complete = block.is_empty() && attributes == Attributes::default();
        if !is_complete {
            return Err(KeysError::PublicKey(keys.len() + 1));
        }
        key_text::judge(keys.iter().map(|key| &*key.label))?;
        Ok(Self(keys))
    }

    /// These keys and those of an `earlier` version of the secret. An earlier key that is among these is left out; an
    /// earlier label that is taken gets `-previous` behind it.
    ///
    /// # Errors
    /// [`KeysError::TooMany`] or [`KeysError::LabelTwice`].
    pub fn and_earlier(mut self, earlier: Self) -> Result<Self, KeysError> {
        for mut key in earlier.0 {
            if self.0.iter().any(|known| known.spki == key.spki) {
                continue;
            }
            if self.0.iter().any(|known| known.label == key.label) {
                key.label = format!("{}-previous", key.label).into();
            }
            self.0.push(key);
        }
        key_text::judge(self.0.iter().map(|key| &*key.label))?;
        Ok(self)
    }

    /// What the keys are called.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.label)
    }

    /// Finds the key that made `signature` over `message`. Keys in use are tried first: a check costs about 20 µs.
    pub(super) fn find(&self, message: &[u8], signature: &[u8], now: Timestamp) -> Result<&str, Rejection> {
        let made_it = |key: &&Key| key.key.verify_sig(message, signature).is_ok();
        let (valid, other): (Vec<&Key>, Vec<&Key>) = self.0.iter().partition(|key| key.window.contains(now));
        if let Some(key) = valid.into_iter().find(made_it) {
            return Ok(&key.label);
        }
        let expired = other.into_iter().find(made_it);
        Err(expired.map_or(Rejection::Signature, |key| Rejection::ExpiredKey { key_id: key.label.clone() }))
    }
}

impl Key {
    fn parse(block: &str, attributes: &Attributes, at: usize) -> Result<Self, KeysError> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(block.as_bytes())
            .map_err(|_| KeysError::PublicKey(at))?;
        let key =
            rsa::public_key(&RSA_PKCS1_2048_8192_SHA256, spki.as_ref()).ok_or(KeysError::PublicKey(at))?;
        let label = attributes.label_or_position(at);
        Ok(Self { label, window: attributes.window, spki: spki.as_ref().into(), key })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.labels()).finish()
    }
}
