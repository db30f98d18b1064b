//! Numbers of providers, which are JSON numbers in one field and strings in the next.
//!
//! They are parsed from their digits: binary floats would lose cents of large amounts.

use rust_decimal::Decimal;

/// Longest number that is parsed, in bytes.
const NUMBER_BYTES_MAX: usize = 48;
/// Largest exponent either way: beyond it no amount is left that 28 digits could hold.
const EXPONENT_MAX: i32 = 28;

/// A number such as `12.5`, `-3` or `1e-05`, exactly; `None` when it is none, or has more digits than can be held.
pub(crate) fn parse_exact(text: &str) -> Option<Decimal> {
    if text.len() > NUMBER_BYTES_MAX {
        return None;
    }
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 =
        exponent.parse().ok().filter(|size: &i32| (-EXPONENT_MAX..=EXPONENT_MAX).contains(size))?;
    shifted(plain(digits)?, exponent)
}

/// A sign, digits, and a point with digits.
fn plain(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let begins_well = digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let ends_well = digits.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
    (is_plain && begins_well && ends_well).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

/// `number` × 10^`exponent`, exactly or not at all.
fn shifted(number: Decimal, exponent: i32) -> Option<Decimal> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    let power = Decimal::try_from_i128_with_scale(power, 0).ok()?;
    let shifted = if exponent < 0 { number.checked_div(power)? } else { number.checked_mul(power)? };
    let back = if exponent < 0 { shifted.checked_mul(power)? } else { shifted.checked_div(power)? };
    (back == number).then(|| shifted.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digit_is_lost_however_it_is_written() {
        for (text, expected) in [
            ("12.34", Some("12.34")),
            // A double holds 92233720368547758.07 as 92233720368547760.
            ("92233720368547758.07", Some("92233720368547758.07")),
            ("-0.000000001", Some("-0.000000001")),
            ("1e-05", Some("0.00001")),
            ("1.5E3", Some("1500")),
            ("1e28", Some("10000000000000000000000000000")),
            ("1e29", None),
            ("1e-29", None),
            ("1.23456789e-27", None),
            ("1e999999999999", None),
            ("", None),
            ("+1", None),
            (" 1", None),
            ("1_0", None),
            ("NaN", None),
            ("0.1234567890123456789012345678901", None),
        ] {
            assert_eq!(parse_exact(text).map(|number| number.to_string()).as_deref(), expected, "{text}");
        }
    }
}
