//! Hashes of transactions on blockchains.

use std::fmt;
use std::str::FromStr;

use crate::text::text_form;

/// Bounds of the length of a hash: 64 hexadecimal digits, or about 88 characters of base58.
const LENGTH: std::ops::RangeInclusive<usize> = 32..=128;
/// Digits of a hash of 256 bits.
const HEX_DIGITS: usize = 64;

/// The hash of a transaction, in one form whoever reports it: of hexadecimal ones 64 digits in lower case without `0x`; others,
/// such as Solana's, as they are, because their case counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionHash(Box<str>);

/// The text is no hash: not 32 to 128 letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transaction hash is 32 to 128 letters and digits")]
pub struct TransactionHashError;

impl TransactionHash {
    /// The hash as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TransactionHash {
    type Err = TransactionHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        if digits.len() == HEX_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(digits.to_ascii_lowercase().into()));
        }
        let is_plain = LENGTH.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_plain { Ok(Self(text.into())) } else { Err(TransactionHashError) }
    }
}

impl fmt::Display for TransactionHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

text_form!(TransactionHash);

impl serde::Serialize for TransactionHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_one_form() {
        let hex = "ab".repeat(32);
        let solana =
            "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW";
        for (text, expected) in [
            (hex.clone(), Some(hex.as_str())),
            (format!("0x{}", hex.to_uppercase()), Some(hex.as_str())),
            (solana.to_owned(), Some(solana)),
            ("0x1234".to_owned(), None),
            (format!("0x{hex} "), None),
            ("a".repeat(129), None),
        ] {
            let parsed = text.parse::<TransactionHash>().ok();
            assert_eq!(parsed.as_ref().map(TransactionHash::as_str), expected, "{text}");
        }
    }
}
