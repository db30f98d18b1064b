//! Keys that an operator configures in a secret: one or several, each with a label and a time in which it is valid, and those
//! of two versions of the secret together.

mod hmac;
mod rsa;
mod text;

use std::fmt;

use jiff::Timestamp;

use crate::rejection::Rejection;
use crate::validity_period::ValidityPeriod;
use hmac::HmacSecret;
use rsa::RsaPublicKey;
pub(crate) use rsa::parse_public_key as parse_rsa_public_key;
use text::Attributes;
pub use text::KeysError;

/// Most keys of one provider. Each costs a check per delivery.
const KEYS_MAX: usize = 16;

/// How the keys of a provider are written in their secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// Shared secrets, one per line.
    HmacSecrets,
    /// RSA public keys in PEM, one block after the other.
    RsaPublicKeys,
}

/// One or several keys of a provider, each with a label and a time in which it is valid.
#[derive(Clone)]
pub struct Keys(Vec<NamedKey>);

#[derive(Clone)]
struct NamedKey {
    label: Box<str>,
    validity: ValidityPeriod,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Hmac(HmacSecret),
    Rsa(RsaPublicKey),
}

impl Keys {
    /// Parses the text of a secret.
    ///
    /// [`KeyFormat::HmacSecrets`]: one key per line, empty lines aside. A line is the secret alone, or
    /// `label=2026-02 not_before=2026-02-01T00:00:00Z not_after=2026-08-01T00:00:00Z secret=…` with any of the first three
    /// left out; the secret is everything after `secret=`.
    ///
    /// [`KeyFormat::RsaPublicKeys`]: PEM blocks `PUBLIC KEY`; line breaks may be written `\n`. The same attributes may stand
    /// in lines before a block.
    ///
    /// Without a label the first key is `key1`.
    ///
    /// # Errors
    /// [`KeysError`], which never repeats a secret.
    ///
    /// ```
    /// use webhooks::{KeyFormat, Keys};
    /// let keys = Keys::parse(KeyFormat::HmacSecrets, "label=new secret=correct horse battery\nan older long secret")?;
    /// assert_eq!(keys.labels().collect::<Vec<_>>(), ["new", "key2"]);
    /// assert!(Keys::parse(KeyFormat::HmacSecrets, "short").is_err());
    /// # Ok::<(), webhooks::KeysError>(())
    /// ```
    pub fn parse(format: KeyFormat, text: &str) -> Result<Self, KeysError> {
        Self::new(match format {
            KeyFormat::HmacSecrets => hmac::parse(text)?,
            KeyFormat::RsaPublicKeys => rsa::parse(text)?,
        })
    }

    fn new(keys: Vec<NamedKey>) -> Result<Self, KeysError> {
        if keys.len() > KEYS_MAX {
            return Err(KeysError::TooMany);
        }
        let is_duplicate = |at: &usize| keys[..*at].iter().any(|earlier| earlier.label == keys[*at].label);
        match (0..keys.len()).find(is_duplicate) {
            Some(at) => Err(KeysError::DuplicateLabel(at + 1)),
            None if keys.is_empty() => Err(KeysError::Empty),
            None => Ok(Self(keys)),
        }
    }

    /// These keys and those of an `earlier` version of the secret, which senders may still use. An earlier key that is among
    /// these is left out; an earlier label that is already used gets the suffix `-previous`.
    ///
    /// # Errors
    /// [`KeysError::TooMany`] or [`KeysError::DuplicateLabel`].
    pub fn and_earlier(mut self, earlier: Self) -> Result<Self, KeysError> {
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

    /// The labels, in order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.label)
    }

    /// Finds the secret that made one of `signatures` over `message`. Every secret is tried on every signature, and each
    /// comparison takes the same time wherever they differ.
    pub(crate) fn find_hmac(
        &self,
        message: [&[u8]; 2],
        signatures: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<&str, Rejection> {
        let (mut valid, mut expired) = (None, None);
        for named in &self.0 {
            let Key::Hmac(secret) = &named.key else { continue };
            if bool::from(secret.verifies_any(message, signatures)) {
                let slot = if named.validity.contains(now) { &mut valid } else { &mut expired };
                slot.get_or_insert(named);
            }
        }
        outcome(valid, expired)
    }

    /// Finds the public key whose owner made `signature` over `message`. Keys in use are tried first: a check costs about
    /// 20 µs.
    pub(crate) fn find_rsa(
        &self,
        message: &[u8],
        signature: &[u8],
        now: Timestamp,
    ) -> Result<&str, Rejection> {
        let made_it = |named: &&NamedKey| match &named.key {
            Key::Rsa(key) => key.verifies(message, signature),
            Key::Hmac(_) => false,
        };
        let (valid, other): (Vec<_>, Vec<_>) = self.0.iter().partition(|named| named.validity.contains(now));
        match valid.into_iter().find(made_it) {
            Some(named) => Ok(&named.label),
            None => outcome(None, other.into_iter().find(made_it)),
        }
    }
}

fn outcome<'k>(valid: Option<&'k NamedKey>, expired: Option<&NamedKey>) -> Result<&'k str, Rejection> {
    match (valid, expired) {
        (Some(named), _) => Ok(&named.label),
        (None, Some(named)) => Err(Rejection::ExpiredKey { key_id: named.label.clone() }),
        (None, None) => Err(Rejection::Signature),
    }
}

impl NamedKey {
    /// Key number `at`, with these attributes.
    fn new(attributes: &Attributes, at: usize, key: Key) -> Self {
        Self { label: attributes.label_or_position(at), validity: attributes.validity, key }
    }
}

impl Key {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hmac(one), Self::Hmac(other)) => one.is_same(other),
            (Self::Rsa(one), Self::Rsa(other)) => one.is_same(other),
            (Self::Hmac(_), Self::Rsa(_)) | (Self::Rsa(_), Self::Hmac(_)) => false,
        }
    }
}

/// The labels, and nothing else of the keys.
impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.labels()).finish()
    }
}
