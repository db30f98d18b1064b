//! Circle's public keys.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use serde::Deserialize;

use super::KEY_ID_HEADER;
use crate::encoding;
use crate::json::{self, Field};
use crate::rejection::Rejection;

/// The part that a rejection names.
const PART: &str = "key";

/// The id of a key: a UUID in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<str>);

/// ECDSA on P-256 with SHA-256, the only algorithm that is accepted.
const ALGORITHM: &str = "ECDSA_SHA_256";

/// A key with its id.
#[derive(Clone)]
pub struct PublicKey {
    id: KeyId,
    spki: Box<[u8]>,
    key: ParsedPublicKey,
}

/// Circle's response to a request for a key.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    data: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResponseData<'a> {
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

    /// 8-4-4-4-12 hexadecimal digits in lower case: nothing else becomes part of a URL that is fetched.
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
    /// Parses Circle's response, `{"data":{"id":…,"algorithm":"ECDSA_SHA_256","publicKey":…,…}}`. The caller compares
    /// [`Self::id`] with the id it requested; [`super::verify`] compares it with the id that a delivery names.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] when it is not such a response, or the key is not on P-256.
    pub fn parse(response: &[u8]) -> Result<Self, Rejection> {
        let response: Response<'_> = json::fields(response)?;
        let data: ResponseData<'_> = response.data.fields();
        let [id, algorithm, key] = [data.id, data.algorithm, data.public_key].map(Field::text);
        Self::new(
            &id.ok_or(Rejection::malformed(PART, "data.id is missing"))?,
            &algorithm.unwrap_or_default(),
            &key.unwrap_or_default(),
        )
    }

    /// A key that was parsed before: its id, [`Self::algorithm`] and [`Self::base64`].
    ///
    /// # Errors
    /// [`Rejection::Malformed`], as [`Self::parse`].
    pub fn new(id: &str, algorithm: &str, base64: &str) -> Result<Self, Rejection> {
        let id = id.parse()?;
        if algorithm != ALGORITHM {
            return Err(Rejection::malformed(PART, "data.algorithm is not ECDSA_SHA_256"));
        }
        let spki = encoding::from_base64(base64);
        let spki = spki.ok_or(Rejection::malformed(PART, "data.publicKey is not Base64"))?;
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki);
        let key = key.map_err(|_| Rejection::malformed(PART, "data.publicKey is not a key on P-256"))?;
        Ok(Self { id, spki: spki.into(), key })
    }

    /// Circle's name of the signature algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    /// The `SubjectPublicKeyInfo` in Base64.
    #[must_use]
    pub fn base64(&self) -> String {
        encoding::to_base64(&self.spki)
    }

    /// The id under which Circle publishes it.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("PublicKey").field(&self.id).finish()
    }
}
