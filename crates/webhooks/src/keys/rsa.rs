//! RSA public keys of a provider's endpoints, of a size that can be trusted.

use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaParameters};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use super::text::{Attributes, KeysError};
use super::{Key, NamedKey};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// Fewest bits of a key (NIST SP 800-131A, 3), and most: a check's cost grows with their square.
const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

#[derive(Clone)]
pub(super) struct RsaPublicKey {
    spki: Box<[u8]>,
    key: ParsedPublicKey,
}

pub(super) fn parse(text: &str) -> Result<Vec<NamedKey>, KeysError> {
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let mut keys = Vec::new();
    let (mut attributes, mut block) = (Attributes::default(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let at = keys.len() + 1;
        let is_inside = !block.is_empty();
        if !is_inside && !line.starts_with(BEGIN) {
            line.split_ascii_whitespace().try_for_each(|word| attributes.add(word, at))?;
            continue;
        }
        block.push_str(line);
        block.push('\n');
        if line.starts_with(END) {
            let key = RsaPublicKey::parse(&block).ok_or(KeysError::PublicKey(at))?;
            keys.push(NamedKey::new(&std::mem::take(&mut attributes), at, Key::Rsa(key)));
            block.clear();
        }
    }
    let is_complete = block.is_empty() && attributes == Attributes::default();
    if is_complete { Ok(keys) } else { Err(KeysError::PublicKey(keys.len() + 1)) }
}

/// The key in a `SubjectPublicKeyInfo`, for signatures of `scheme`; `None` when it is none of an accepted size. The scheme
/// refuses other sizes too, but with each signature: a key that can never be used is refused at once.
pub(crate) fn parse_public_key(scheme: &'static RsaParameters, spki: &[u8]) -> Option<ParsedPublicKey> {
    let bits = PublicEncryptingKey::from_der(spki).ok()?.key_size_bits();
    KEY_BITS.contains(&bits).then(|| ParsedPublicKey::new(scheme, spki).ok()).flatten()
}

impl RsaPublicKey {
    fn parse(block: &str) -> Option<Self> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(block.as_bytes()).ok()?;
        let key = parse_public_key(&RSA_PKCS1_2048_8192_SHA256, spki.as_ref())?;
        Some(Self { spki: spki.as_ref().into(), key })
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}
