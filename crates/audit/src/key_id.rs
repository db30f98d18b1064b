//! Names of keys.

use crate::hex_text::hex_text;

/// Names a key without revealing it: 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 8]);

/// The text is not a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key id must be 16 lower-case hexadecimal digits")]
pub struct KeyIdError;

hex_text!(KeyId, KeyIdError);
