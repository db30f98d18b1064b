//! Base64, hexadecimal and numbers as signatures are written: one way to write each value, everything else refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Most digits of a time: milliseconds until the year 33658.
const TIME_DIGITS_MAX: usize = 15;

/// Standard alphabet, padding required, unused bits zero.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The one text that [`base64`] reads as these bytes.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// 32 bytes as 64 lower-case digits. Upper case would be a second way to write one signature.
pub(crate) fn hex_32(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// A whole number without sign, leading zeros, blanks or separators.
pub(crate) fn time(text: &str) -> Option<i64> {
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
            assert_eq!(base64(text), expected, "{text:?}");
        }
    }

    #[test]
    fn hexadecimal_is_64_digits_in_lower_case() {
        let text = "ff".repeat(32);
        assert_eq!(hex_32(&text), Some([0xff; 32]));
        for refused in [text.to_uppercase(), text.replace("ff", "fg"), "ff".repeat(31), "ff".repeat(33)] {
            assert_eq!(hex_32(&refused), None, "{refused}");
        }
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
            assert_eq!(time(text), expected, "{text:?}");
        }
    }
}
