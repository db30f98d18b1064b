//! Parses one row: an exact number of fields, a date, and plain decimal numbers without quotes, blanks or exponents.

use domain::{Date, RawBar};

use crate::RowFault;

/// Longest row: a date and six numbers of [`NUMBER_BYTES_MAX`] fit.
const ROW_BYTES_MAX: usize = 256;
/// Longest number.
const NUMBER_BYTES_MAX: usize = 32;

/// The two headers that a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Plain,
    WithAdjustedClose,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) bar: RawBar,
    pub(super) adjusted_close: Option<f64>,
}

impl Header {
    pub(super) fn from_header(line: &[u8]) -> Option<Self> {
        match line {
            b"date,open,high,low,close,volume" => Some(Self::Plain),
            b"date,open,high,low,close,volume,adj_close" => Some(Self::WithAdjustedClose),
            _ => None,
        }
    }
}

pub(super) fn parse(line: &[u8], header: Header) -> Result<Row, RowFault> {
    if line.len() > ROW_BYTES_MAX {
        return Err(RowFault::TooLong);
    }
    let line = std::str::from_utf8(line).map_err(|_| RowFault::NotUtf8)?;
    let mut fields = line.split(',');
    let mut next = || fields.next().ok_or(RowFault::FieldCount);
    let texts = [next()?, next()?, next()?, next()?, next()?, next()?];
    let adjusted = match header {
        Header::Plain => None,
        Header::WithAdjustedClose => Some(next()?),
    };
    if fields.next().is_some() {
        return Err(RowFault::FieldCount);
    }
    let [date, open, high, low, close, volume] = texts;
    let bar = RawBar {
        date: date.parse().map_err(|_| RowFault::NotADate)?,
        open: number(open)?,
        high: number(high)?,
        low: number(low)?,
        close: number(close)?,
        volume: number(volume)?,
    };
    let adjusted_close = adjusted.map(number).transpose()?;
    if adjusted_close.is_some_and(|price| price <= 0.0) {
        return Err(RowFault::AdjustedNotPositive);
    }
    Ok(Row { bar, adjusted_close })
}

/// The date of a refused row, if it is valid.
pub(super) fn date(line: &[u8]) -> Option<Date> {
    std::str::from_utf8(line.get(..10)?).ok()?.parse().ok()
}

/// Digits with an optional minus and fraction; negative prices are refused later, with a more precise reason.
fn number(text: &str) -> Result<f64, RowFault> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_plain = match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    };
    if !is_plain || text.len() > NUMBER_BYTES_MAX {
        return Err(RowFault::NotANumber);
    }
    text.parse().map_err(|_| RowFault::NotANumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_are_numbers() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("430.47", Some(430.47)),
            ("0.000000000001", Some(1e-12)),
            ("-1.5", Some(-1.5)),
            ("", None),
            ("1e3", None),
            ("+1", None),
            (".5", None),
            ("5.", None),
            ("1.2.3", None),
            ("NaN", None),
            ("inf", None),
            (" 1", None),
            ("1 ", None),
            ("\"1\"", None),
            ("1_000", None),
            ("١", None),
            ("111111111111111111111111111111111", None),
        ] {
            assert_eq!(number(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_number_of_fields_is_exact() {
        let line = b"2013-03-01,1,1,1,1,10";
        assert!(parse(line, Header::Plain).is_ok());
        assert_eq!(parse(line, Header::WithAdjustedClose), Err(RowFault::FieldCount));
        assert_eq!(parse(b"2013-03-01,1,1,1,1,10,", Header::Plain), Err(RowFault::FieldCount));
        assert_eq!(parse(b"", Header::Plain), Err(RowFault::FieldCount));
        assert_eq!(parse(b"2013-03-01,1,1,1,1,\xFF", Header::Plain), Err(RowFault::NotUtf8));
        assert_eq!(parse(&[b'1'; 257], Header::Plain), Err(RowFault::TooLong));
        assert_eq!(
            parse(b"2013-03-01,1,1,1,1,10,0", Header::WithAdjustedClose),
            Err(RowFault::AdjustedNotPositive)
        );
    }
}
