//! A secret's bytes: shared by reference count, wiped when the last reader lets go, never printed.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretBox};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The bytes of one secret.
///
/// It has no `Display`, no `Serialize` and no `==`; its `Debug` shows the length alone. Compare with
/// [`verify_eq`](Self::verify_eq) and read with [`expose`](Self::expose), so that each place that sees the bytes can be
/// found by searching for one word.
///
/// ```
/// use secrets::SecretValue;
///
/// let key = SecretValue::from_slice(b"hunter2hunter2");
/// assert!(key.verify_eq(b"hunter2hunter2"));
/// assert_eq!(format!("{key:?}"), "SecretValue(14 bytes)");
/// ```
///
/// ```compile_fail
/// # let key = secrets::SecretValue::from_slice(b"hunter2");
/// println!("{key}");
/// ```
///
/// ```compile_fail
/// # let key = secrets::SecretValue::from_slice(b"hunter2");
/// assert!(key == key);
/// ```
#[derive(Clone)]
pub struct SecretValue(Arc<SecretBox<[u8]>>);

impl SecretValue {
    /// Copies the bytes into an allocation of exactly their size. The caller wipes its own copy.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Self {
        Self(Arc::new(SecretBox::new(Box::from(bytes))))
    }

    /// Takes the bytes, and wipes the vector they came in: a vector may have spare room that a shrink would leave
    /// behind unwiped.
    #[must_use]
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self::from_slice(&bytes)
    }

    /// As [`from_vec`](Self::from_vec), for text.
    #[must_use]
    pub fn from_string(mut text: String) -> Self {
        let value = Self::from_slice(text.as_bytes());
        text.zeroize();
        value
    }

    /// The bytes themselves. Hand them straight to what needs them; copy them nowhere.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The bytes as text, or `None` when they are not UTF-8. Every format but [`Bytes`](crate::Format::Bytes) is
    /// checked to be text before it reaches a reader.
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(self.expose()).ok()
    }

    /// Whether `other` is the same bytes, in time that depends on the lengths alone.
    #[must_use]
    pub fn verify_eq(&self, other: &[u8]) -> bool {
        self.expose().ct_eq(other).into()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether there are no bytes at all. No provider hands out such a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretValue({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_not_impl_any!(SecretValue: fmt::Display, PartialEq, Eq, std::hash::Hash, serde::Serialize);
    static_assertions::assert_impl_all!(SecretValue: Send, Sync, Clone);

    #[test]
    fn equality_is_of_all_bytes_and_of_the_length() {
        let value = SecretValue::from_vec(b"0123456789".to_vec());
        assert!(value.verify_eq(b"0123456789"));
        assert!(!value.verify_eq(b"012345678"));
        assert!(!value.verify_eq(b"0123456788"));
        assert!(!value.verify_eq(b""));
    }

    #[test]
    fn a_clone_shares_the_bytes() {
        let value = SecretValue::from_string("shared".to_owned());
        assert_eq!(value.expose().as_ptr(), value.clone().expose().as_ptr());
    }

    #[test]
    fn debug_shows_the_length_and_nothing_else() {
        let value = SecretValue::from_slice(b"canary-4f1d");
        assert_eq!(
            format!("{value:?} {:#?}", Some(&value)),
            "SecretValue(11 bytes) Some(\n    SecretValue(11 bytes),\n)"
        );
    }
}
