//! Circle's public keys.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use serde::Deserialize;

use super::verify::KEY_ID_HEADER;
use crate::content::{self, Field};
use crate::notation;
use crate::rejection::Rejection;

/// What is at fault in an answer.
const PART: &str = "key";

/// Name of a key: a UUID in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<str>);

/// What Circle calls ECDSA on P-256 with SHA-256, the only thing that a key may be for.
const ALGORITHM: &str = "ECDSA_SHA_256";

/// A key with its name.
#[derive(Clone)]
pub struct PublicKey {
    id: KeyId,
    spki: Box<[u8]>,
    key: ParsedPublicKey,
}

/// The vendor's answer to a question for a key.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnswerData<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    algorithm: Field<'a>,
    public_key: Field<'a>,
}

impl KeyId {
    /// The UUID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = Rejection;

    /// 8-4-4-4-12 hexadecimal digits in lower case: nothing else becomes part of an address that is asked.
    fn from_str(text: &str) -> Result<Self, Rejection> {
        let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match byte {
                b'-' => is_dash(at),
                b'0'..=b'9' | b'a'..=b'f' => !is_dash(at),
                _ => false,
            });
        if is_uuid {
            Ok(Self(text.into()))
        } else {
            Err(Rejection::malformed(KEY_ID_HEADER, "it is not a UUID"))
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl PublicKey {
    /// Reads Circle's answer, `{"data":{"id":…,"algorithm":"ECDSA_SHA_256","publicKey":…,…}}`. Whoever asked compares
    /// [`Self::id`] with what was asked for; [`super::verify`] compares it with what a delivery names.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] when it is not such an answer, or the key is not on P-256.
    pub fn parse(answer: &[u8]) -> Result<Self, Rejection> {
        let answer: Answer<'_> = content::fields(answer)?;
        let data: AnswerData<'_> = answer.data.fields();
        let [id, algorithm, key] = [data.id, data.algorithm, data.public_key].map(Field::text);
        Self::new(
            &id.ok_or(Rejection::malformed(PART, "data.id is not there"))?,
            &algorithm.unwrap_or_default(),
            &key.unwrap_or_default(),
        )
    }

    /// A key as Circle told it once: its name, [`Self::algorithm`] and [`Self::base64`].
    ///
    /// # Errors
    /// [`Rejection::Malformed`], as [`Self::parse`].
    pub fn new(id: &str, algorithm: &str, base64: &str) -> Result<Self, Rejection> {
        let id = id.parse()?;
        if algorithm != ALGORITHM {
            return Err(Rejection::malformed(PART, "data.algorithm is not ECDSA_SHA_256"));
        }
        let spki = notation::base64(base64);
        let spki = spki.ok_or(Rejection::malformed(PART, "data.publicKey is not Base64"))?;
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki);
        let key = key.map_err(|_| Rejection::malformed(PART, "data.publicKey is not a key on P-256"))?;
        Ok(Self { id, spki: spki.into(), key })
    }

    /// What it is for, in Circle's words.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    /// The key as Circle writes it.
    #[must_use]
    pub fn base64(&self) -> String {
        notation::to_base64(&self.spki)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    pub(super) fn made(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("PublicKey").field(&self.id).finish()
    }
}
