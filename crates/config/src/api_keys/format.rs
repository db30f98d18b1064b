//! The format of keys that `investiq` generates: `iq_<environment>_<id 8>_<secret 43>_<checksum 6>`, all in base 62.
//!
//! Scanners for leaked secrets find the prefix. The id identifies a key without revealing it. The secret has 256 bits. The
//! checksum rejects mistyped keys without a lookup; it proves nothing.

use std::fmt;

use domain::KeyMode;
use store::ApiKeySecret;

use super::key::digest;

/// Digits of the id.
const ID_DIGITS: usize = 8;
/// Digits of the secret: 43 · log2 62 = 256.03 bits.
const SECRET_DIGITS: usize = 43;
/// Digits of the checksum: 62^6 > 2^32.
const CHECKSUM_DIGITS: usize = 6;

/// Characters at the end that a list of keys shows.
const LAST_CHARACTERS: usize = 4;

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const fn prefix(mode: KeyMode) -> &'static str {
    match mode {
        KeyMode::Live => "iq_live_",
        KeyMode::Paper => "iq_paper_",
        KeyMode::Test => "iq_test_",
    }
}

/// A new key. Its text is shown once.
pub struct NewKey(String);

impl NewKey {
    /// The text of the key.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the database stores of it.
    #[must_use]
    pub fn secret(&self) -> ApiKeySecret {
        let id = claimed_id(self.0.as_bytes()).and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        ApiKeySecret {
            id: id.expect("a generated key has an id"),
            digest: digest(self.0.as_bytes()),
            last_characters: self.0.chars().skip(self.0.len() - LAST_CHARACTERS).collect(),
        }
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewKey(redacted)")
    }
}

/// Generates a key from the randomness of the operating system.
///
/// # Errors
/// The operating system has no randomness.
pub fn generate(mode: KeyMode) -> Result<NewKey, getrandom::Error> {
    let mut text = prefix(mode).to_owned();
    push_random(&mut text, ID_DIGITS)?;
    text.push('_');
    push_random(&mut text, SECRET_DIGITS)?;
    let checksum = checksum(text.as_bytes());
    text.push('_');
    text.extend(checksum.map(char::from));
    Ok(NewKey(text))
}

/// Appends random digits. Bytes beyond the last multiple of 62 are discarded, so that all digits are equally likely.
fn push_random(text: &mut String, digits: usize) -> Result<(), getrandom::Error> {
    let end = text.len() + digits;
    while text.len() < end {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes)?;
        let fair = bytes.iter().filter(|byte| **byte < 62 * 4);
        let room = end - text.len();
        text.extend(fair.take(room).map(|byte| char::from(BASE_62[usize::from(byte % 62)])));
    }
    Ok(())
}

/// Whether a text has this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormatCheck {
    /// The format and the checksum are right.
    Valid,
    /// It has the prefix of this format and is invalid.
    Damaged,
    /// It has no prefix of this format.
    Other,
}

pub(crate) fn check(text: &[u8]) -> FormatCheck {
    let Some(rest) = KeyMode::ALL.into_iter().find_map(|mode| text.strip_prefix(prefix(mode).as_bytes()))
    else {
        return if text.starts_with(b"iq_") { FormatCheck::Damaged } else { FormatCheck::Other };
    };
    // Without an allocation, because every request with a key passes here.
    let mut parts = rest.split(|byte| *byte == b'_');
    let (Some(id), Some(secret), Some(check), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return FormatCheck::Damaged;
    };
    let is_base_62 = |part: &[u8]| part.iter().all(u8::is_ascii_alphanumeric);
    let has_shape = id.len() == ID_DIGITS && secret.len() == SECRET_DIGITS && check.len() == CHECKSUM_DIGITS;
    let summed = text.len() - CHECKSUM_DIGITS - 1;
    if has_shape && is_base_62(id) && is_base_62(secret) && check == checksum(&text[..summed]) {
        FormatCheck::Valid
    } else {
        FormatCheck::Damaged
    }
}

/// The id of a presented key, whether the key exists or not.
#[must_use]
pub fn claimed_id(presented: &[u8]) -> Option<&[u8]> {
    let rest = KeyMode::ALL.into_iter().find_map(|mode| presented.strip_prefix(prefix(mode).as_bytes()))?;
    rest.get(..ID_DIGITS)
}

/// CRC-32 (IEEE 802.3, as in zip) of the text before it, in base 62.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut rest = crc32(text);
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE_62[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    digits
}

fn crc32(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0xedb8_8320;
    let shift = |crc: u32| (crc >> 1) ^ (REVERSED_POLYNOMIAL & (crc & 1).wrapping_neg());
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !bytes.iter().fold(u32::MAX, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_crc_32() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_generated_key_is_valid_and_a_mistyped_one_is_not() {
        for mode in KeyMode::ALL {
            let key = generate(mode).unwrap();
            let text = key.expose();
            assert_eq!(text.len(), prefix(mode).len() + 8 + 1 + 43 + 1 + 6);
            assert_eq!(check(text.as_bytes()), FormatCheck::Valid, "{text}");
            for index in 0..text.len() {
                let mut mistyped = text.as_bytes().to_vec();
                mistyped[index] = if mistyped[index] == b'a' { b'b' } else { b'a' };
                assert_ne!(check(&mistyped), FormatCheck::Valid, "{text} at {index}");
            }
            assert_eq!(claimed_id(text.as_bytes()).unwrap().len(), 8);
            assert!(!format!("{key:?}").contains(text));
        }
        assert_ne!(generate(KeyMode::Test).unwrap().expose(), generate(KeyMode::Test).unwrap().expose());
        assert_eq!(check(b"something else"), FormatCheck::Other);
        assert_eq!(check(b"iq_prod_x"), FormatCheck::Damaged);
        assert_eq!(claimed_id(b"iq_live_abc"), None);
    }
}
