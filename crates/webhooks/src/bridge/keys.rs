//! Public keys of endpoints.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use jiff::Timestamp;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use crate::key_ring::{Distinct, KeyRing, Labelled};
use crate::key_text::{Attributes, KeysError};
use crate::rejection::Rejection;
use crate::rsa;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// One or several public keys, each with a label and a time in which it is valid.
#[derive(Clone, Debug)]
pub struct Keys(KeyRing<EndpointKey>);

#[derive(Clone)]
struct EndpointKey {
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
                let key = EndpointKey::parse(&block).ok_or(KeysError::PublicKey(at))?;
                keys.push(Labelled::new(&std::mem::take(&mut attributes), at, key));
                block.clear();
            }
        }
        let is_complete = block.is_empty() && attributes == Attributes::default();
        if !is_complete {
            return Err(KeysError::PublicKey(keys.len() + 1));
        }
        KeyRing::new(keys).map(Self)
    }

    /// These keys and those of an `earlier` version of the secret. An earlier key that is among these is left out; an
    /// earlier label that is taken gets `-previous` behind it.
    ///
    /// # Errors
    /// [`KeysError::TooMany`] or [`KeysError::LabelTwice`].
    pub fn and_earlier(self, earlier: Self) -> Result<Self, KeysError> {
        self.0.and_earlier(earlier.0).map(Self)
    }

    /// What the keys are called.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.labels()
    }

    /// Finds the key that made `signature` over `message`. Keys in use are tried first: a check costs about 20 µs.
    pub(super) fn find(&self, message: &[u8], signature: &[u8], now: Timestamp) -> Result<&str, Rejection> {
        let made_it = |key: &&Labelled<EndpointKey>| key.key.key.verify_sig(message, signature).is_ok();
        let (valid, other): (Vec<_>, Vec<_>) = self.0.iter().partition(|key| key.is_valid(now));
        if let Some(key) = valid.into_iter().find(made_it) {
            return Ok(&key.label);
        }
        let expired = other.into_iter().find(made_it);
        Err(expired.map_or(Rejection::Signature, |key| Rejection::ExpiredKey { key_id: key.label.clone() }))
    }
}

impl EndpointKey {
    fn parse(block: &str) -> Option<Self> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(block.as_bytes()).ok()?;
        let key = rsa::public_key(&RSA_PKCS1_2048_8192_SHA256, spki.as_ref())?;
        Some(Self { spki: spki.as_ref().into(), key })
    }
}

impl Distinct for EndpointKey {
    fn is_same(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}
