//! RSA keys of others, of a size that can be trusted.

use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters};

/// Fewest bits of a key (NIST SP 800-131A, 3), and most: a check's cost grows with their square.
const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The key in a `SubjectPublicKeyInfo`, for signatures of `scheme`; `None` when it is none of an accepted size. The
/// scheme refuses other sizes too, but with each signature: a key that can never serve is to be refused at once.
pub(crate) fn public_key(scheme: &'static RsaParameters, spki: &[u8]) -> Option<ParsedPublicKey> {
    let bits = PublicEncryptingKey::from_der(spki).ok()?.key_size_bits();
    KEY_BITS.contains(&bits).then(|| ParsedPublicKey::new(scheme, spki).ok()).flatten()
}
