//! Calendar dates at the exchange, in the form `YYYY-MM-DD`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::text::text_form;

/// An exchange date between 1900-01-01 and 2199-12-31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(jiff::civil::Date);

/// Why a text is not a [`Date`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text does not have the form `YYYY-MM-DD`.
    #[error("date must have the form YYYY-MM-DD")]
    Format,
    /// There is no such day, or it is out of range.
    #[error("date must be an existing day between 1900-01-01 and 2199-12-31")]
    NoSuchDay,
}

impl Date {
    /// The day `year-month-day`.
    ///
    /// # Errors
    /// [`DateError::NoSuchDay`] when the calendar has no such day or the year is outside 1900 to 2199.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, DateError> {
        if !(1900..=2199).contains(&year) {
            return Err(DateError::NoSuchDay);
        }
        jiff::civil::Date::new(year, month, day).map(Self).map_err(|_| DateError::NoSuchDay)
    }

    /// The date of an instant in milliseconds since 1970, in a time zone `offset_s` seconds east of UTC.
    ///
    /// # Errors
    /// [`DateError::NoSuchDay`] outside 1900 to 2199.
    pub fn from_unix_ms(unix_ms: i64, offset_s: i32) -> Result<Self, DateError> {
        let seconds = unix_ms.div_euclid(1000).saturating_add(i64::from(offset_s));
        let days = i32::try_from(seconds.div_euclid(86_400)).map_err(|_| DateError::NoSuchDay)?;
        Self::from_days(days)
    }

    /// The day `days` after 1970-01-01.
    ///
    /// # Errors
    /// [`DateError::NoSuchDay`] outside 1900 to 2199.
    pub fn from_days(days: i32) -> Result<Self, DateError> {
        let day = jiff::civil::date(1970, 1, 1)
            .checked_add(jiff::Span::new().try_days(days).map_err(|_| DateError::NoSuchDay)?)
            .map_err(|_| DateError::NoSuchDay)?;
        Self::new(day.year(), day.month(), day.day())
    }

    /// Days since 1970-01-01; negative before.
    #[must_use]
    pub fn days(self) -> i32 {
        (self.0 - jiff::civil::date(1970, 1, 1)).get_days()
    }

    /// The date `days` earlier, or the earliest date there is.
    #[must_use]
    pub fn minus_days(self, days: u32) -> Self {
        let back = i32::try_from(days).unwrap_or(i32::MAX);
        Self::from_days(self.days().saturating_sub(back)).unwrap_or(Self(jiff::civil::date(1900, 1, 1)))
    }

    /// Year, month 1 to 12, day 1 to 31.
    #[must_use]
    pub fn ymd(self) -> (i16, i8, i8) {
        (self.0.year(), self.0.month(), self.0.day())
    }

    /// ISO 8601 year and week, which group weekly bars.
    pub(crate) fn iso_week(self) -> (i16, i8) {
        let week = self.0.iso_week_date();
        (week.year(), week.week())
    }

    /// The ten ASCII bytes of `YYYY-MM-DD`.
    #[must_use]
    pub fn text(self) -> [u8; 10] {
        let (year, month, day) = self.ymd();
        let (year, month, day) = (year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs());
        let digit = |value: u16| b'0' + (value % 10) as u8;
        [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(u16::from(month) / 10),
            digit(u16::from(month)),
            b'-',
            digit(u16::from(day) / 10),
            digit(u16::from(day)),
        ]
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        let is_date = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_date {
            return Err(DateError::Format);
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0_i16, |sum, byte| sum * 10 + i16::from(byte - b'0'))
        };
        let month = i8::try_from(number(5, 7)).map_err(|_| DateError::NoSuchDay)?;
        let day = i8::try_from(number(8, 10)).map_err(|_| DateError::NoSuchDay)?;
        Self::new(number(0, 4), month, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        out.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

text_form!(Date);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_form_is_a_date() {
        for (text, expected) in [
            ("2013-03-01", Ok("2013-03-01")),
            ("2012-02-29", Ok("2012-02-29")),
            ("2013-02-29", Err(DateError::NoSuchDay)),
            ("1899-12-31", Err(DateError::NoSuchDay)),
            ("2200-01-01", Err(DateError::NoSuchDay)),
            ("2013-3-1", Err(DateError::Format)),
            ("2013/03/01", Err(DateError::Format)),
            (" 2013-03-01", Err(DateError::Format)),
            ("٢٠١٣-٠٣", Err(DateError::Format)),
            ("", Err(DateError::Format)),
        ] {
            let got = text.parse::<Date>().map(|date| date.to_string());
            assert_eq!(got.as_deref().map_err(Clone::clone), expected, "{text}");
        }
    }

    #[test]
    fn days_and_instants_round_trip() {
        let date: Date = "2013-03-01".parse().unwrap();
        assert_eq!(date.days(), 15_765); // date -d 2013-03-01 +%s / 86400
        assert_eq!(Date::from_days(15_765), Ok(date));
        // Midnight in New York in winter is 05:00 UTC: the same date on both clocks.
        assert_eq!(Date::from_unix_ms(15_765 * 86_400_000 + 5 * 3_600_000, -5 * 3600), Ok(date));
        assert_eq!(Date::from_unix_ms(i64::MAX, 0), Err(DateError::NoSuchDay));
        assert_eq!(date.minus_days(u32::MAX).to_string(), "1900-01-01");
        assert_eq!(serde_json::to_string(&date).unwrap(), "\"2013-03-01\"");
    }
}
