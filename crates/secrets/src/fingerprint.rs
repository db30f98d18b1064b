//! Keyed hashes, which compare values without revealing them.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Length of the HMAC prefix: enough to tell values apart, too short to search for a value.
const FINGERPRINT_BYTES: usize = 8;
const KEY_BYTES: usize = 32;
/// Stack that an HMAC may use: about 2 KiB without optimisation, and the same as a reserve.
const STACK_BYTES: usize = 4 * 1_024;

/// A prefix of the HMAC-SHA-256 of a value. Unlike a bare hash, it cannot be searched for without the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; FINGERPRINT_BYTES]);

/// The key of this process's fingerprints.
pub(crate) struct FingerprintKey(Zeroizing<[u8; KEY_BYTES]>);

impl FingerprintKey {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(key.as_mut())?;
        Ok(Self(key))
    }

    pub(crate) fn fingerprint(&self, bytes: &[u8]) -> Fingerprint {
        let fingerprint = self.hmac_prefix(bytes);
        // The HMAC keeps the last block of its input and is passed by value, so it leaves the value on the stack.
        zeroize::zeroize_stack::<STACK_BYTES>();
        fingerprint
    }

    /// Never inlined, so that all of its stack lies beyond that of its caller, which wipes it.
    #[inline(never)]
    fn hmac_prefix(&self, bytes: &[u8]) -> Fingerprint {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_ref()).expect("HMAC takes a key of any length");
        mac.update(bytes);
        let digest = mac.finalize().into_bytes();
        let mut prefix = [0; FINGERPRINT_BYTES];
        prefix.copy_from_slice(&digest[..FINGERPRINT_BYTES]);
        Fingerprint(prefix)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_a_prefix_of_hmac_sha256() {
        // RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?". HMAC pads a short key with zeros, so
        // the same key in a 32-byte array gives the same digest.
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(b"Jefe");
        let fingerprint = FingerprintKey(Zeroizing::new(key)).fingerprint(b"what do ya want for nothing?");
        assert_eq!(fingerprint.to_string(), "5bdcc146bf60754e");
    }

    #[test]
    fn each_process_has_its_own_key() {
        let (one, two) = (FingerprintKey::random().unwrap(), FingerprintKey::random().unwrap());
        assert_eq!(one.fingerprint(b"value"), one.fingerprint(b"value"));
        assert_ne!(one.fingerprint(b"value"), two.fingerprint(b"value"));
    }
}
