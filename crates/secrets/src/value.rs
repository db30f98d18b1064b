//! The bytes of a secret: reference-counted, wiped when the last reference is dropped, never printed.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretBox};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The largest secret, in a file as well as in AWS.
pub const SECRET_BYTES_MAX: usize = 65_536;

/// The bytes of one secret.
///
/// It has no `Display`, no `Serialize` and no `==`; its `Debug` shows only the length. Compare with
/// [`verify_eq`](Self::verify_eq) and read with [`expose`](Self::expose), so that all code with access to the bytes can be
/// found by these names.
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
    /// Copies the bytes into an allocation of exactly their size. Wipe your own copy.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Self {
        Self(Arc::new(SecretBox::new(Box::from(bytes))))
    }

    /// Copies the bytes and wipes the vector, whose spare capacity a shrink would leave unwiped.
    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self::from_slice(&bytes)
    }

    /// Copies the bytes of a text and wipes the text.
    #[must_use]
    pub fn from_string(mut text: String) -> Self {
        let value = Self::from_slice(text.as_bytes());
        text.zeroize();
        value
    }

    /// The bytes. Pass them on without copying them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The bytes as text; `None` when they are not UTF-8, which only [`Format::Bytes`](crate::Format::Bytes) allows.
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(self.expose()).ok()
    }

    /// Whether the bytes equal `other`, in time that depends only on the lengths.
    #[must_use]
    pub fn verify_eq(&self, other: &[u8]) -> bool {
        self.expose().ct_eq(other).into()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether the value is empty. Handles never return an empty value.
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
    fn equality_compares_all_bytes_and_the_length() {
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
