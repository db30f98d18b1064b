//! The 32 bytes that authenticate an entry or a head.

use subtle::ConstantTimeEq;

use crate::hex_text::hex_text;

/// An HMAC-SHA256 result. Its text form is 64 lower-case hexadecimal digits; it is compared in constant time.
#[derive(Clone, Copy, Eq, Hash)]
#[expect(
    clippy::derived_hash_with_manual_eq,
    reason = "both look at the same 32 bytes; only the time differs"
)]
pub struct Hash([u8; 32]);

/// The text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hash must be 64 lower-case hexadecimal digits")]
pub struct HashError;

hex_text!(Hash, HashError);

impl Hash {
    /// The previous hash of the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Wraps bytes read from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_parses_from_its_text() {
        let hash = Hash::from_bytes(std::array::from_fn(|place| (place * 7) as u8));
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        assert_eq!(Hash::ZERO.to_string(), "0".repeat(64));
    }

    #[test]
    fn another_spelling_of_a_hash_is_refused() {
        for text in ["", "00", &"A".repeat(64), &"g".repeat(64), &"0".repeat(66), &"é".repeat(32)] {
            assert_eq!(text.parse::<Hash>(), Err(HashError), "{text}");
        }
    }
}
