//! An upper bound of the strength of a value, which can prove a value weak, but not strong.

use crate::invalid::PolicyViolation;
use crate::spec::{Format, SecretSpec};

/// Shorter texts are checked by strength alone, because patterns in a few characters are random.
const PATTERN_CHARS_MIN: usize = 6;
const PATTERN_CHARS_MAX: usize = 8;
/// Share of consecutive characters above which a text is a run.
const RUN_SHARE_MAX: f64 = 0.75;
/// All but one in millions of random texts with n out of k characters have at least min(n, k) / 2 different ones.
const DIFFERENT_SHARE_MIN: f64 = 0.5;

pub(super) fn violation(text: &str, spec: &SecretSpec) -> Option<PolicyViolation> {
    let bytes = text.as_bytes();
    if bytes.len() >= PATTERN_CHARS_MIN && is_repeated(bytes) {
        return Some(PolicyViolation::RepeatedPattern);
    }
    if bytes.len() >= PATTERN_CHARS_MIN && is_run(bytes) {
        return Some(PolicyViolation::Sequential);
    }
    let (bits, bits_min) = (bits(bytes, spec.format), spec.strength_bits_min);
    (bits < bits_min).then_some(PolicyViolation::Weak { bits, bits_min })
}

fn is_repeated(bytes: &[u8]) -> bool {
    (1..=PATTERN_CHARS_MAX.min(bytes.len() / 2))
        .any(|period| bytes[period..].iter().eq(&bytes[..bytes.len() - period]))
}

fn is_run(bytes: &[u8]) -> bool {
    let steps = bytes.len() - 1;
    let run =
        |step: i16| bytes.windows(2).filter(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step).count();
    let longest = run(1).max(run(-1));
    longest as f64 > RUN_SHARE_MAX * steps as f64
}

/// Length times the bits of one character. Only the kinds of characters that occur count as possible; where far fewer
/// different characters occur than expected at random, only those do.
fn bits(bytes: &[u8], format: Format) -> u32 {
    let different = different(bytes);
    let possible = match format {
        Format::Hex { .. } => 16.0,
        Format::Base64 { .. } | Format::Base64Lines { .. } => 64.0,
        Format::Text
        | Format::DatabaseUrl
        | Format::Lines
        | Format::Pem
        | Format::Json { .. }
        | Format::Bytes => alphabet(bytes),
    };
    let is_uneven = different < DIFFERENT_SHARE_MIN * f64::min(bytes.len() as f64, possible);
    let per_char = if is_uneven { different.log2() } else { possible.log2() };
    (bytes.len() as f64 * per_char) as u32
}

fn different(bytes: &[u8]) -> f64 {
    let mut occurs = [false; 256];
    bytes.iter().for_each(|byte| occurs[usize::from(*byte)] = true);
    occurs.iter().filter(|occurs| **occurs).count() as f64
}

/// The number of characters of the kinds that occur.
fn alphabet(bytes: &[u8]) -> f64 {
    let size = |is_kind: fn(&u8) -> bool, count: f64| if bytes.iter().any(is_kind) { count } else { 0.0 };
    size(u8::is_ascii_lowercase, 26.0)
        + size(u8::is_ascii_uppercase, 26.0)
        + size(u8::is_ascii_digit, 10.0)
        + size(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric(), 33.0)
        + size(|byte| !byte.is_ascii(), 64.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Class;

    fn check(text: &str, strength_bits_min: u32, expected: Option<PolicyViolation>) {
        let name = "key".parse().unwrap();
        let spec =
            SecretSpec { strength_bits_min, ..SecretSpec::new(name, Class::SigningKey, Format::Text, "") };
        assert_eq!(violation(text, &spec), expected, "{text}");
    }

    #[test]
    fn repetition_and_runs_are_found_at_any_length() {
        for text in ["aaaaaaaaaaaaaaaa", "abababababababab", "12341234123412341234", &"0".repeat(64)] {
            check(text, 0, Some(PolicyViolation::RepeatedPattern));
        }
        for text in ["abcdefghijklmnop", "0123456789", "9876543210", "ABCDEFGHIJ1", "123456"] {
            check(text, 0, Some(PolicyViolation::Sequential));
        }
    }

    #[test]
    fn strength_is_length_times_the_bits_of_a_character() {
        // 22 characters of base62: 22 × log2(62) = 130.99.
        check("kT9v2LqXw0cPz7RbJ4mYs8", 128, None);
        check("kT9v2LqXw0cPz7RbJ4mYs8", 131, Some(PolicyViolation::Weak { bits: 130, bits_min: 131 }));
        // 8 lower-case letters: 8 × log2(26) = 37.6.
        check("hunterrr", 112, Some(PolicyViolation::Weak { bits: 37, bits_min: 112 }));
        // 20 characters, but only two different ones: 20 × log2(2).
        check("aabbabaabbbaabababba", 112, Some(PolicyViolation::Weak { bits: 20, bits_min: 112 }));
    }

    #[test]
    fn a_random_key_passes_even_with_a_short_pattern_in_it() {
        check("u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=", 128, None);
        check("4f1dc0ffee9b7a3358e2d6410b9c7f5e", 100, None);
    }
}
