//! Estimates how hard a key of another format is to guess.
//!
//! An estimate cannot tell random text from chosen text, so it is strict: repetitions, sequences and common placeholders count
//! against a key.

/// Minimum strength of a key, in bits: OWASP ASVS 5.0 (6.5.2) requires it of secrets that are stored as plain hashes.
pub(super) const BITS_MIN: f64 = 112.0;

/// Words in placeholders, without separators.
const PLACEHOLDERS: [&str; 8] =
    ["changeme", "placeholder", "password", "example", "yourkey", "secret", "dummy", "replace"];

/// Whether a text is a placeholder instead of a key.
pub(super) fn is_placeholder(text: &str) -> bool {
    let words = text.to_ascii_lowercase().replace(['_', '-'], "");
    PLACEHOLDERS.iter().any(|word| words.contains(word))
}

/// The estimated strength of a text, in bits; 0 for a placeholder.
#[must_use]
pub fn estimated_bits(text: &str) -> f64 {
    if text.is_empty() || is_placeholder(text) { 0.0 } else { bits(text) }
}

/// The estimated strength, in bits.
pub(super) fn bits(text: &str) -> f64 {
    let bytes = shortest_period(text.as_bytes());
    let unpredictable = 1 + bytes.windows(3).filter(|window| !continues(window)).count();
    // Limited by its alphabet and by the number of different symbols.
    let per_symbol = alphabet_size(bytes).min(distinct(bytes)).log2();
    per_symbol * unpredictable.min(bytes.len()) as f64
}

/// Whether the third byte continues the first two: `aaa`, `abc`, `321`.
fn continues(window: &[u8]) -> bool {
    let step = |from: u8, to: u8| i16::from(to) - i16::from(from);
    let (first, second) = (step(window[0], window[1]), step(window[1], window[2]));
    first == second && first.abs() <= 1
}

/// The repeated part of a text that consists of repetitions, else the whole text.
fn shortest_period(bytes: &[u8]) -> &[u8] {
    let repeats = |period: &usize| bytes.iter().zip(&bytes[*period..]).all(|(one, other)| one == other);
    let period = (1..=bytes.len() / 2).find(repeats);
    &bytes[..period.unwrap_or(bytes.len())]
}

/// The size of the alphabets that a text uses.
fn alphabet_size(bytes: &[u8]) -> f64 {
    let has = |test: fn(&u8) -> bool| bytes.iter().any(test);
    if bytes.iter().all(u8::is_ascii_hexdigit) {
        return 16.0;
    }
    let sizes = [
        (has(u8::is_ascii_digit), 10.0),
        (has(u8::is_ascii_lowercase), 26.0),
        (has(u8::is_ascii_uppercase), 26.0),
        (has(u8::is_ascii_punctuation), 2.0),
    ];
    sizes.into_iter().filter(|(present, _)| *present).map(|(_, size)| size).sum::<f64>().max(1.0)
}

fn distinct(bytes: &[u8]) -> f64 {
    let mut sorted = bytes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_of_common_tools_pass_and_chosen_ones_do_not() {
        for (key, is_strong) in [
            // openssl rand -hex 32, -hex 16, -base64 24; uuidgen twice
            ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", true),
            ("3f2a9c81d7e60b54c1f8a20d9be47653", true),
            ("k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1", true),
            ("8Jd0/3kPz+QwXv5nTtLr2bYhM9cGsAeU", true),
            ("short", false),
            ("k7Vn2Qx9LpR4tYw8", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", false),
            ("1234567890123456789012345678901234567890", false),
            ("k7Vn2Qx9k7Vn2Qx9k7Vn2Qx9k7Vn2Qx9k7Vn2Qx9k7Vn2Qx9", false),
        ] {
            assert_eq!(bits(key) >= BITS_MIN, is_strong, "{key}: {} bits", bits(key));
        }
        for text in ["changeme-changeme-9f86d081884c7d65", "YOUR_KEY_HERE", "my-Secret-9f86d08"] {
            assert!(is_placeholder(text), "{text}");
        }
    }
}
