//! Numbers as sources write them: a decimal point or comma, separators of thousands, exponents, a dollar sign.

use crate::RowFault;
use crate::file_fault::{FileFault, excerpt};

/// Longest number.
pub(super) const NUMBER_BYTES_MAX: usize = 32;
/// What sources write where there is no number.
const ABSENT: [&str; 9] = ["", "-", "null", "NULL", "N/A", "NA", "NaN", "nan", "None"];

/// What separates the fraction of every number of a file. The other one separates thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum DecimalMark {
    Point,
    Comma,
}

/// What one number tells of the separators.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Evidence {
    Nothing,
    Mark(DecimalMark),
    /// One separator before three digits: thousands, or a fraction.
    Either(DecimalMark),
}

impl DecimalMark {
    /// The one that the numbers show, each given with its line.
    pub(super) fn decide<'a>(
        numbers: impl Iterator<Item = (usize, &'a str)>,
        delimiter: u8,
    ) -> Result<Self, FileFault> {
        let (mut point_line, mut comma_line, mut with_comma, mut with_point) = (None, None, None, None);
        for (line, text) in numbers {
            match evidence(text) {
                Evidence::Nothing => {}
                Evidence::Mark(Self::Point) => point_line = point_line.or(Some(line)),
                Evidence::Mark(Self::Comma) => comma_line = comma_line.or(Some(line)),
                Evidence::Either(Self::Point) => with_point = with_point.or(Some(text)),
                Evidence::Either(Self::Comma) => with_comma = with_comma.or(Some(text)),
            }
        }
        match (point_line, comma_line) {
            (Some(point_line), Some(comma_line)) => Err(FileFault::MixedNumbers { point_line, comma_line }),
            (Some(_), None) => Ok(Self::Point),
            (None, Some(_)) => Ok(Self::Comma),
            // Where commas separate cells, a point separates the fraction.
            (None, None) => match with_comma.or(with_point.filter(|_| delimiter != b',')) {
                Some(example) => Err(FileFault::AmbiguousNumbers { example: excerpt(example) }),
                None => Ok(Self::Point),
            },
        }
    }

    /// The number that `text` is. Negative prices are refused later, with a more precise reason.
    pub(super) fn number(self, text: &str) -> Result<f64, RowFault> {
        if ABSENT.contains(&text) {
            return Err(RowFault::MissingField);
        }
        self.parse(text).ok_or(RowFault::NotANumber)
    }

    fn parse(self, text: &str) -> Option<f64> {
        let text = without_currency(text);
        if text.len() > NUMBER_BYTES_MAX {
            return None;
        }
        let (fraction_mark, thousands_mark) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let (mantissa, exponent) = split_exponent(text);
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = match unsigned.split_once(fraction_mark) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let groups: Vec<&str> = whole.split([thousands_mark, ' ', '\u{a0}', '\u{202f}']).collect();
        let is_whole = match groups[..] {
            [one] => is_digits(one),
            [first, ref others @ ..] => {
                is_digits(first) && first.len() <= 3 && others.iter().all(|of| is_digits(of) && of.len() == 3)
            }
            [] => false,
        };
        let is_exponent =
            exponent.is_none_or(|digits| is_digits(digits.strip_prefix(['+', '-']).unwrap_or(digits)));
        if !is_whole || !fraction.is_none_or(is_digits) || !is_exponent {
            return None;
        }
        let sign = if mantissa.len() == unsigned.len() { "" } else { "-" };
        let plain =
            format!("{sign}{}.{}e{}", groups.concat(), fraction.unwrap_or("0"), exponent.unwrap_or("0"));
        plain.parse().ok()
    }
}

fn evidence(text: &str) -> Evidence {
    let (mantissa, exponent) = split_exponent(without_currency(text));
    let number = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let mark = |separator| if separator == '.' { DecimalMark::Point } else { DecimalMark::Comma };
    let other = |separator| if separator == '.' { DecimalMark::Comma } else { DecimalMark::Point };
    let Some((whole, fraction)) = number.rsplit_once(['.', ',']) else { return Evidence::Nothing };
    if !is_digits(fraction) || !whole.starts_with(|first: char| first.is_ascii_digit()) {
        return Evidence::Nothing;
    }
    let last = if number.as_bytes()[whole.len()] == b'.' { '.' } else { ',' };
    let has_same = whole.contains(last);
    let has_other = whole.contains(if last == '.' { ',' } else { '.' });
    // Thousands have groups of three digits, the first of which is not 0.
    let may_be_thousands = fraction.len() == 3
        && exponent.is_none()
        && !whole.starts_with('0')
        && (has_same || whole.len() <= 3);
    match (has_same, has_other) {
        (true, true) => Evidence::Nothing,
        (true, false) if may_be_thousands => Evidence::Mark(other(last)),
        (true, false) => Evidence::Nothing,
        (false, true) => Evidence::Mark(mark(last)),
        (false, false) if may_be_thousands => Evidence::Either(mark(last)),
        (false, false) => Evidence::Mark(mark(last)),
    }
}

/// Nasdaq writes prices with a dollar sign.
fn without_currency(text: &str) -> &str {
    text.strip_prefix('$').unwrap_or(text)
}

fn split_exponent(text: &str) -> (&str, Option<&str>) {
    text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_the_forms_that_sources_write() {
        for (text, point, comma) in [
            ("1", Some(1.0), Some(1.0)),
            ("430.47", Some(430.47), None),
            ("430,47", None, Some(430.47)),
            ("$185.64", Some(185.64), None),
            ("-1.5", Some(-1.5), None),
            ("0.000000000001", Some(1e-12), None),
            ("8.2488674E7", Some(82_488_674.0), None),
            ("1.5e+02", Some(150.0), None),
            ("8,2e-1", None, Some(0.82)),
            ("1,234.56", Some(1_234.56), None),
            ("1.234,56", None, Some(1_234.56)),
            ("1,234", Some(1_234.0), Some(1.234)),
            ("82,488,670", Some(82_488_670.0), None),
            ("1 234 567", Some(1_234_567.0), Some(1_234_567.0)),
            ("1\u{a0}234,5", None, Some(1_234.5)),
            ("185.63999938964844", Some(185.639_999_389_648_44), None),
            // 12,34 is no group of thousands, and 12,34,567 has groups of two.
            ("12,34.5", None, None),
            ("12,34,567", None, None),
            ("+1", None, None),
            (".5", None, None),
            ("5.", None, None),
            ("1.2.3", None, None),
            ("1,,234", None, None),
            ("inf", None, None),
            ("infinity", None, None),
            ("1_000", None, None),
            ("0x10", None, None),
            ("١", None, None),
            ("€5", None, None),
            ("82.49M", None, None),
            ("1e", None, None),
            ("e5", None, None),
            ("--1", None, None),
            ("$-1", Some(-1.0), Some(-1.0)),
            ("111111111111111111111111111111111", None, None),
        ] {
            assert_eq!(DecimalMark::Point.number(text).ok(), point, "{text:?} with a decimal point");
            assert_eq!(DecimalMark::Comma.number(text).ok(), comma, "{text:?} with a decimal comma");
        }
        for text in ABSENT {
            assert_eq!(DecimalMark::Point.number(text), Err(RowFault::MissingField), "{text:?}");
        }
    }

    #[test]
    fn a_file_tells_its_decimal_mark_or_is_refused() {
        let decide = |numbers: &[&'static str], delimiter| {
            DecimalMark::decide(numbers.iter().zip(2..).map(|(text, line)| (line, *text)), delimiter)
        };
        let ambiguous = |example: &str| Err(FileFault::AmbiguousNumbers { example: example.to_owned() });
        for (numbers, delimiter, expected) in [
            (&["1", "20"][..], b',', Ok(DecimalMark::Point)),
            (&["10.5", "1,234"], b',', Ok(DecimalMark::Point)),
            (&["10,5", "1.234"], b';', Ok(DecimalMark::Comma)),
            (&["1,234,567"], b',', Ok(DecimalMark::Point)),
            (&["1.234.567"], b';', Ok(DecimalMark::Comma)),
            (&["0,125"], b';', Ok(DecimalMark::Comma)),
            (&["1234,567"], b';', Ok(DecimalMark::Comma)),
            (&["1.234,5"], b';', Ok(DecimalMark::Comma)),
            (&["10.125"], b',', Ok(DecimalMark::Point)),
            (&["10.125"], b';', ambiguous("10.125")),
            (&["1,234"], b',', ambiguous("1,234")),
            (&["10.125", "1,234"], b',', ambiguous("1,234")),
            (&["10.5", "10,5"], b';', Err(FileFault::MixedNumbers { point_line: 2, comma_line: 3 })),
            (&["x", "1.2.3", "", "a,b"], b',', Ok(DecimalMark::Point)),
        ] {
            assert_eq!(decide(numbers, delimiter), expected, "{numbers:?}");
        }
    }
}
