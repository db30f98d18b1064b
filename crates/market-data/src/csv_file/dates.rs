//! Dates as sources write them, and which of two numbers is the day.

use std::str::FromStr;

use domain::Date;

use crate::RowFault;
use crate::file_fault::{FileFault, excerpt};

const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;
/// Midnight in New York is 4 hours behind UTC in summer and 5 in winter.
const MIDNIGHTS_UTC_S: [i64; 3] = [0, 4 * HOUR_S, 5 * HOUR_S];
/// Latest time of day without a zone: the close of a session. A later one may belong to the next day.
const CLOSE_S: i64 = 16 * HOUR_S + 30 * 60;
/// The same as `HHMMSS`.
const CLOSE_COMPACT: u32 = 163_000;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A date as it is written in one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WrittenDate {
    Known(Date, DateOrder),
    /// `01/02/2024`.
    Numbers {
        first: i8,
        second: i8,
        year: i16,
    },
}

/// How the dates of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum DateOrder {
    YearFirst,
    MonthFirst,
    DayFirst,
    /// `Jan 2, 2024`.
    MonthName,
    /// Seconds, milliseconds, microseconds or nanoseconds since 1970.
    UnixTime,
}

impl DateOrder {
    /// The order of the first date, or the one that all dates of two numbers show; each is given with its line and text.
    /// `is_month_first`: the source is known for it.
    pub(super) fn decide<'a>(
        dates: impl Iterator<Item = (usize, &'a str, WrittenDate)>,
        is_month_first: bool,
    ) -> Result<Self, FileFault> {
        let (mut day_first, mut month_first, mut either, mut known) = (None, None, None, None);
        for (line, text, date) in dates {
            match date {
                WrittenDate::Known(_, order) => known = known.or(Some(order)),
                WrittenDate::Numbers { first, .. } if first > 12 => day_first = day_first.or(Some(line)),
                WrittenDate::Numbers { second, .. } if second > 12 => {
                    month_first = month_first.or(Some(line));
                }
                WrittenDate::Numbers { .. } => either = either.or(Some((line, text))),
            }
        }
        if is_month_first {
            month_first = month_first.or(either.map(|(line, _)| line));
        }
        match (day_first, month_first, either) {
            (Some(day_first_line), Some(month_first_line), _) => {
                Err(FileFault::MixedDates { day_first_line, month_first_line })
            }
            (Some(_), None, _) => Ok(Self::DayFirst),
            (None, Some(_), _) => Ok(Self::MonthFirst),
            (None, None, Some((_, text))) => Err(FileFault::AmbiguousDates { example: excerpt(text) }),
            (None, None, None) => Ok(known.unwrap_or(Self::YearFirst)),
        }
    }

    pub(super) fn date(self, written: WrittenDate) -> Result<Date, RowFault> {
        let date = match written {
            WrittenDate::Known(date, _) => return Ok(date),
            WrittenDate::Numbers { first, second, year } => match self {
                Self::DayFirst => Date::new(year, second, first),
                Self::MonthFirst | Self::YearFirst | Self::MonthName | Self::UnixTime => {
                    Date::new(year, first, second)
                }
            },
        };
        date.map_err(|_| RowFault::NotADate)
    }
}

impl WrittenDate {
    /// `time`: that of a column of its own, such as `16:00:00` or `160000`.
    pub(super) fn parse(date: &str, time: Option<&str>) -> Result<Self, RowFault> {
        match time.unwrap_or_default() {
            "" => {}
            time if time.contains(':') => check_time(time)?,
            time if time.parse().is_ok_and(|compact: u32| compact <= CLOSE_COMPACT) => {}
            _ => return Err(RowFault::NotMidnight),
        }
        date.parse()
    }
}

impl FromStr for WrittenDate {
    type Err = RowFault;

    fn from_str(text: &str) -> Result<Self, RowFault> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let per_second = match text.len() {
            8 if is_number => return compact(text),
            // One digit less before 2001-09-09.
            9 | 10 if is_number => 1,
            12 | 13 if is_number => 1_000,
            15 | 16 if is_number => 1_000_000,
            18 | 19 if is_number => 1_000_000_000,
            _ => return calendar(text),
        };
        unix_time(text.parse().map_err(|_| RowFault::NotADate)?, per_second)
    }
}

/// `20240102`.
fn compact(text: &str) -> Result<WrittenDate, RowFault> {
    let part = |from, to| text.get(from..to).ok_or(RowFault::NotADate);
    year_first(part(0, 4)?, part(4, 6)?, part(6, 8)?)
}

/// The start of a bar at midnight, in New York or in UTC.
fn unix_time(units: i64, per_second: i64) -> Result<WrittenDate, RowFault> {
    let (seconds, rest) = (units.div_euclid(per_second), units.rem_euclid(per_second));
    if rest != 0 || !MIDNIGHTS_UTC_S.contains(&seconds.rem_euclid(DAY_S)) {
        return Err(RowFault::NotMidnight);
    }
    let days = i32::try_from(seconds.div_euclid(DAY_S)).map_err(|_| RowFault::NotADate)?;
    let date = Date::from_days(days).map_err(|_| RowFault::NotADate)?;
    Ok(WrittenDate::Known(date, DateOrder::UnixTime))
}

/// A date of three parts, with or without a time of day.
fn calendar(text: &str) -> Result<WrittenDate, RowFault> {
    let date = match text.split_once(':') {
        None => text,
        Some((before, _)) => {
            let (date, _) = before.rsplit_once([' ', 'T']).ok_or(RowFault::NotADate)?;
            check_time(text.get(date.len() + 1..).unwrap_or_default())?;
            date
        }
    };
    let mut parts = date.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty());
    let (Some(one), Some(two), Some(three), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(RowFault::NotADate);
    };
    match (month(one), month(two)) {
        (Some(month), None) => month_name(three, month, two),
        (None, Some(month)) if one.len() == 4 => month_name(one, month, three),
        (None, Some(month)) => month_name(three, month, one),
        (None, None) if one.len() == 4 => year_first(one, two, three),
        (None, None) if three.len() == 4 => {
            Ok(WrittenDate::Numbers { first: number(one)?, second: number(two)?, year: number(three)? })
        }
        _ => Err(RowFault::NotADate),
    }
}

fn year_first(year: &str, month: &str, day: &str) -> Result<WrittenDate, RowFault> {
    let date = Date::new(number(year)?, number(month)?, number(day)?).map_err(|_| RowFault::NotADate)?;
    Ok(WrittenDate::Known(date, DateOrder::YearFirst))
}

fn month_name(year: &str, month: i8, day: &str) -> Result<WrittenDate, RowFault> {
    if year.len() != 4 {
        return Err(RowFault::NotADate);
    }
    let date = Date::new(number(year)?, month, number(day)?).map_err(|_| RowFault::NotADate)?;
    Ok(WrittenDate::Known(date, DateOrder::MonthName))
}

/// The number of a month by its English name or the first three letters of it.
fn month(text: &str) -> Option<i8> {
    let name = text.to_ascii_lowercase();
    let is_name = |month: &&str| *month == name || (name.len() == 3 && month.starts_with(&name));
    let at = MONTHS.iter().position(is_name)?;
    i8::try_from(at + 1).ok()
}

/// A number of one to four digits.
fn number<T: FromStr>(text: &str) -> Result<T, RowFault> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(RowFault::NotADate)
}

/// Refuses a time of day that does not tell the date at the exchange: with a zone, anything but midnight.
fn check_time(text: &str) -> Result<(), RowFault> {
    let (time, zone) = match text.find(['Z', '+', '-', ' ', 'U']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let of_day_s = seconds_of_day(time).ok_or(RowFault::NotADate)?;
    let is_known = match zone.trim() {
        "" => of_day_s <= CLOSE_S,
        "Z" | "UTC" | "+00:00" | "+0000" | "+00" | "-00:00" => MIDNIGHTS_UTC_S.contains(&of_day_s),
        offset => is_offset(offset) && of_day_s == 0,
    };
    if is_known { Ok(()) } else { Err(RowFault::NotMidnight) }
}

/// Seconds, rounded up, of `16:00`, `16:00:00` or `16:00:00.000`.
fn seconds_of_day(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fraction_s = i64::from(fraction.trim_end_matches('0').len().min(1) as u8);
    let mut parts = whole.split(':');
    let mut next = |below: i64| {
        let part = parts.next()?;
        number(part).ok().filter(|value| *value < below && fraction.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (hours, minutes) = (next(24)?, next(60)?);
    let seconds = if whole.matches(':').count() == 2 { next(60)? } else { 0 };
    parts.next().is_none().then_some(hours * HOUR_S + minutes * 60 + seconds + fraction_s)
}

fn is_offset(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).map(|digits| digits.replace(':', ""));
    digits.is_some_and(|digits| {
        matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_sources_write() {
        let known = |order| Ok(WrittenDate::Known("2024-01-02".parse().unwrap(), order));
        let (year_first, month_name) = (known(DateOrder::YearFirst), known(DateOrder::MonthName));
        let numbers = Ok(WrittenDate::Numbers { first: 1, second: 2, year: 2024 });
        for (text, expected) in [
            ("2024-01-02", year_first),
            ("2024/1/2", year_first),
            ("20240102", year_first),
            ("2024-01-02T00:00:00Z", year_first),
            ("2024-01-02T00:00:00.000Z", year_first),
            ("2024-01-02 05:00:00+00:00", year_first),
            ("2024-07-02 04:00:00+00:00".replace("-07-", "-01-").as_str(), year_first),
            ("2024-01-02 00:00:00-05:00", year_first),
            ("2024-01-02 00:00:00+0900", year_first),
            ("2024-01-02 16:00:00", year_first),
            ("Jan 02, 2024", month_name),
            ("January 2, 2024", month_name),
            ("2-Jan-2024", month_name),
            ("02 JAN 2024", month_name),
            ("01/02/2024", numbers),
            ("1.2.2024", numbers),
            ("1/2/2024 16:00:00", numbers),
            // date -d 2024-01-02T05:00:00Z +%s; 1999-09-06 by the same
            ("1704171600", known(DateOrder::UnixTime)),
            ("1704171600000", known(DateOrder::UnixTime)),
            ("1704171600000000000", known(DateOrder::UnixTime)),
            ("1704153600", known(DateOrder::UnixTime)),
            ("936576000", Ok(WrittenDate::Known("1999-09-06".parse().unwrap(), DateOrder::UnixTime))),
            ("936576000000", Ok(WrittenDate::Known("1999-09-06".parse().unwrap(), DateOrder::UnixTime))),
            ("1704171601", Err(RowFault::NotMidnight)),
            ("1704171600001", Err(RowFault::NotMidnight)),
            ("1704121200", Err(RowFault::NotMidnight)),
            // Midnight in Tokyo, 15:00 UTC of the day before; midnight UTC in New York.
            ("2024-01-01T15:00:00Z", Err(RowFault::NotMidnight)),
            ("2024-01-01 19:00:00-05:00", Err(RowFault::NotMidnight)),
            ("2024-01-01 19:00:00", Err(RowFault::NotMidnight)),
            ("2024-01-02T00:00:00.001Z", Err(RowFault::NotMidnight)),
            ("2024-01-02 05:00:00-05:00", Err(RowFault::NotMidnight)),
            ("2024-01-02 00:00:00 nowhere", Err(RowFault::NotMidnight)),
            ("2024-01-02 25:00:00", Err(RowFault::NotADate)),
            ("2024-01-02 x:00", Err(RowFault::NotADate)),
            ("2024-02-30", Err(RowFault::NotADate)),
            ("20240230", Err(RowFault::NotADate)),
            ("01/02/24", Err(RowFault::NotADate)),
            ("2-Jan-24", Err(RowFault::NotADate)),
            ("Janvier 2, 2024", Err(RowFault::NotADate)),
            ("2024-01", Err(RowFault::NotADate)),
            ("2024-01-02-03", Err(RowFault::NotADate)),
            ("99999999999999999999", Err(RowFault::NotADate)),
            ("9999999999999999999", Err(RowFault::NotADate)),
            ("", Err(RowFault::NotADate)),
            ("Date", Err(RowFault::NotADate)),
            ("+024-01-02", Err(RowFault::NotADate)),
            ("٢٠٢٤-٠١-٠٢", Err(RowFault::NotADate)),
        ] {
            assert_eq!(text.parse::<WrittenDate>(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_tells_the_order_of_its_dates_or_is_refused() {
        let decide = |dates: &[&'static str], is_month_first| {
            let dates = dates.iter().zip(2..).map(|(text, line)| (line, *text, text.parse().unwrap()));
            DateOrder::decide(dates, is_month_first)
        };
        let mixed = |day_first_line, month_first_line| {
            Err(FileFault::MixedDates { day_first_line, month_first_line })
        };
        let ambiguous = Err(FileFault::AmbiguousDates { example: "01/02/2024".to_owned() });
        for (dates, is_month_first, expected) in [
            (&["01/02/2024", "01/16/2024"][..], false, Ok(DateOrder::MonthFirst)),
            (&["01/02/2024", "16/02/2024"], false, Ok(DateOrder::DayFirst)),
            (&["01/02/2024", "02/02/2024"], false, ambiguous),
            (&["01/02/2024", "02/02/2024"], true, Ok(DateOrder::MonthFirst)),
            (&["01/02/2024", "16/02/2024", "01/16/2024"], false, mixed(3, 4)),
            (&["01/02/2024", "16/02/2024"], true, mixed(3, 2)),
            (&["2024-01-02"], false, Ok(DateOrder::YearFirst)),
            (&["Jan 2, 2024"], true, Ok(DateOrder::MonthName)),
            (&[], false, Ok(DateOrder::YearFirst)),
        ] {
            assert_eq!(decide(dates, is_month_first), expected, "{dates:?}");
        }
    }
}
