//! A calendar day in UTC.

use domain::{Date, DateError};
use jiff::Timestamp;

/// Seconds of a UTC day: POSIX time has no leap seconds.
const DAY_S: i64 = 86_400;

/// A calendar day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The calendar date.
    pub date: Date,
    /// First instant of the day.
    pub start: Timestamp,
    /// First instant of the next day.
    pub end: Timestamp,
}

impl Day {
    /// The day that contains `now`.
    ///
    /// # Errors
    /// [`DateError::NoSuchDay`] outside 1900 to 2199.
    ///
    /// ```
    /// let day = ledger::Day::from_timestamp("2026-03-01T23:59:59.999Z".parse().unwrap()).unwrap();
    /// assert_eq!(day.date.to_string(), "2026-03-01");
    /// assert_eq!(day.end.to_string(), "2026-03-02T00:00:00Z");
    /// ```
    pub fn from_timestamp(now: Timestamp) -> Result<Self, DateError> {
        let days = now.as_microsecond().div_euclid(DAY_S * 1_000_000);
        let at = |days: i64| Timestamp::from_second(days * DAY_S).map_err(|_| DateError::NoSuchDay);
        let date = Date::from_days(i32::try_from(days).map_err(|_| DateError::NoSuchDay)?)?;
        Ok(Self { date, start: at(days)?, end: at(days + 1)? })
    }

    /// Whether `at` is within this day.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        (self.start..self.end).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_begins_a_day() {
        let day = Day::from_timestamp("2026-03-02T00:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(day.date.to_string(), "2026-03-02");
        assert!(day.contains(day.start) && !day.contains(day.end));
        let before = Day::from_timestamp("1969-12-31T23:59:59Z".parse().unwrap()).unwrap();
        assert_eq!(before.date.to_string(), "1969-12-31");
    }
}
