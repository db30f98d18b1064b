//! Parsing of plain decimal numbers.

use rust_decimal::Decimal;

/// Longest number that is parsed, in bytes.
const NUMBER_BYTES_MAX: usize = 40;

/// Parses a minus sign, digits, and a point with digits. Exponents, separators and spaces are refused.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let begins_well = digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let ends_well = digits.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
    let is_number = is_plain && begins_well && ends_well && text.len() <= NUMBER_BYTES_MAX;
    // A number with too many digits is refused, not rounded.
    is_number.then(|| Decimal::from_str_exact(text).ok()).flatten()
}
