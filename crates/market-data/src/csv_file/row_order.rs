//! The order of a file's rows, and what it reveals.

use domain::Date;
use serde::Serialize;

use super::columns::Cells;
use super::dates::DateOrder;
use crate::file_fault::FileFault;

/// Bars of which the median is so many days apart are weekly or monthly ones.
const WEEK_DAYS: i32 = 6;

/// The order of the rows of a file. Bars are used oldest first, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RowOrder {
    /// Ascending dates.
    OldestFirst,
    /// Descending dates.
    NewestFirst,
    /// Neither.
    Unordered,
}

impl RowOrder {
    /// The order of dated rows.
    ///
    /// # Errors
    /// When a program has probably swapped days and months: numbers that may be either are out of order, or, once some are swapped
    /// back, fewer than half of the rows stay out of order.
    pub(super) fn of_rows(rows: &[(Date, Cells<'_>)], date_order: DateOrder) -> Result<Self, FileFault> {
        let [ascending, descending] = [1, -1].map(|sign| lines_out_of_order(rows, sign, |_| None));
        let (order, lines) = match descending.len() < ascending.len() {
            true => (Self::NewestFirst, descending),
            false => (Self::OldestFirst, ascending),
        };
        let Some(line) = lines.first().copied() else { return Ok(order) };
        // A row at the end that belongs elsewhere must not count as one of a later month.
        let newest = rows.iter().map(|(date, _)| *date).max();
        let swapped = |date: Date| {
            let (year, month, day) = date.ymd();
            Date::new(year, day, month).ok().filter(|swapped| Some(*swapped) <= newest)
        };
        let is_swapped = |sign| lines_out_of_order(rows, sign, swapped).len() * 2 < lines.len();
        let may_be_either = matches!(date_order, DateOrder::DayFirst | DateOrder::MonthFirst);
        match may_be_either || is_swapped(1) || is_swapped(-1) {
            true => Err(FileFault::UnorderedDates { line }),
            false => Ok(Self::Unordered),
        }
    }
}

/// The lines of rows dated before the row above, or after it where `sign` is -1. Of a date and its `other`, the one that avoids
/// this is used.
fn lines_out_of_order(
    rows: &[(Date, Cells<'_>)],
    sign: i32,
    other: impl Fn(Date) -> Option<Date>,
) -> Vec<usize> {
    let (mut last, mut lines) = (i32::MIN, Vec::new());
    for (date, cells) in rows {
        let readings = std::iter::once(*date).chain(other(*date)).map(|reading| sign * reading.days());
        let next = readings.filter(|days| *days >= last).min();
        if next.is_none() {
            lines.push(cells.line);
        }
        last = next.unwrap_or(sign * date.days());
    }
    lines
}

/// Refuses bars of less or more than a day.
pub(super) fn check_daily(rows: &[(Date, Cells<'_>)]) -> Result<(), FileFault> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|(date, _)| *date);
    let mut steps_days = Vec::with_capacity(rows.len());
    for pair in rows.windows(2) {
        let [(one, a), (next, b)] = [pair[0], pair[1]];
        if one == next && (a.date, a.time) != (b.date, b.time) {
            return Err(FileFault::Intraday { first_line: a.line, second_line: b.line });
        }
        steps_days.push(next.days() - one.days());
    }
    steps_days.sort_unstable();
    match steps_days.get(steps_days.len() / 2) {
        Some(median_days) if *median_days >= WEEK_DAYS => {
            Err(FileFault::NotDaily { median_days: *median_days })
        }
        Some(_) | None => Ok(()),
    }
}
