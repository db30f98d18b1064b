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
    /// The order of dated rows. Numbers that may be a day or a month have to be in order: where a program swapped some of them,
    /// they are not.
    pub(super) fn of_rows(rows: &[(Date, Cells<'_>)], date_order: DateOrder) -> Result<Self, FileFault> {
        let is_descending = matches!(rows, [(first, _), .., (last, _)] if first > last);
        let is_in_order = |pair: &[(Date, Cells<'_>)]| match is_descending {
            true => pair[0].0 >= pair[1].0,
            false => pair[0].0 <= pair[1].0,
        };
        let swapped = rows.windows(2).find(|pair| !is_in_order(pair)).map(|pair| pair[1].1.line);
        match (swapped, date_order) {
            (Some(line), DateOrder::DayFirst | DateOrder::MonthFirst) => {
                Err(FileFault::UnorderedDates { line })
            }
            (Some(_), DateOrder::YearFirst | DateOrder::MonthName | DateOrder::UnixTime) => {
                Ok(Self::Unordered)
            }
            (None, _) => Ok(if is_descending { Self::NewestFirst } else { Self::OldestFirst }),
        }
    }
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
