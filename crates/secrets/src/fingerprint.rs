//! Tells two values apart without showing either.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of the HMAC that a fingerprint keeps: enough to tell values apart, too few to search by.
const FINGERPRINT_BYTES: usize = 8;
const KEY_BYTES: usize = 32;
/// Stack that an HMAC may use: some 2 KiB without optimisation, with as much again to spare.
const STACK_BYTES: usize = 4 * 1_024;

/// The head of a keyed HMAC-SHA-256 of a value.
///
/// A bare hash of a short secret can be searched for; without the key this one cannot.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; FINGERPRINT_BYTES]);

/// The key under which this process takes fingerprints.
pub(crate) struct FingerprintKey(Zeroizing<[u8; KEY_BYTES]>);

impl FingerprintKey {
    /// A key that lives as long as this process.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(key.as_mut())?;
        Ok(Self(key))
    }

    pub(crate) fn of(&self, bytes: &[u8]) -> Fingerprint {
        let print = self.head_of_hmac(bytes);
        // The HMAC keeps the last block of what it reads, and is passed by value: it leaves the value on the stack.
        zeroize::zeroize_stack::<STACK_BYTES>();
        print
    }

    /// Never inlined, so that all of its stack lies beyond that of its caller, who wipes it.
    #[inline(never)]
    fn head_of_hmac(&self, bytes: &[u8]) -> Fingerprint {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_ref()).expect("HMAC takes a key of any length");
        mac.update(bytes);
        let digest = mac.finalize().into_bytes();
        let mut head = [0; FINGERPRINT_BYTES];
        head.copy_from_slice(&digest[..FINGERPRINT_BYTES]);
        Fingerprint(head)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
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
    fn it_is_the_head_of_hmac_sha256() {
        // RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?". HMAC pads a short key with zeros, so
        // the same key in a 32-byte array gives the same digest.
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(b"Jefe");
        let print = FingerprintKey(Zeroizing::new(key)).of(b"what do ya want for nothing?");
        assert_eq!(print.to_string(), "5bdcc146bf60754e");
    }

    #[test]
    fn each_process_has_a_key_of_its_own() {
        let (one, two) = (FingerprintKey::random().unwrap(), FingerprintKey::random().unwrap());
        assert_eq!(one.of(b"value"), one.of(b"value"));
        assert_ne!(one.of(b"value"), two.of(b"value"));
    }
}
