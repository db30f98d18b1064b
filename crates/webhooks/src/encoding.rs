//! Base64, hexadecimal and numbers as signatures are written: one way to write each value, everything else refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Most digits of a time: milliseconds until the year 33658.
const TIME_DIGITS_MAX: usize = 15;

/// Standard alphabet, padding required, unused bits zero.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// 32 bytes as 64 lower-case digits. Upper case would be a second way to write one signature.
pub(crate) fn from_hex_32(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (is_lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A whole number without sign, leading zeros, blanks or separators.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = (1..=TIME_DIGITS_MAX).contains(&text.len());
    let is_canonical = text == "0" || !text.starts_with('0');
    (is_plain && is_short && is_canonical).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_way_to_write_a_value() {
        for (text, expected) in [
            ("+/8=", Some(vec![0xfb, 0xff])),
            ("", Some(vec![])),
            ("-_8=", None),
            ("+/8", None),
            ("+/8==", None),
            ("+/9=", None),
            ("+/ 8=", None),
            ("+/8=\n", None),
        ] {
            assert_eq!(from_base64(text), expected, "{text:?}");
        }
    }

    #[test]
    fn hexadecimal_is_64_digits_in_lower_case() {
        let text = "ff".repeat(32);
        assert_eq!(from_hex_32(&text), Some([0xff; 32]));
        for refused in [text.to_uppercase(), text.replace("ff", "fg"), "ff".repeat(31), "ff".repeat(33)] {
            assert_eq!(from_hex_32(&refused), None, "{refused}");
        }
    }

    #[test]
    fn the_digest_is_that_of_fips_180() {
        // FIPS 180-4, example of one block: "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
    }

    #[test]
    fn a_time_is_digits_alone() {
        for (text, expected) in [
            ("1705854411204", Some(1_705_854_411_204)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("01", None),
            ("1 ", None),
            ("1_0", None),
            ("١", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(parse_time(text), expected, "{text:?}");
        }
    }
}
