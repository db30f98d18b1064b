//! The price history of a file's rows.

use std::collections::{BTreeMap, BTreeSet};

use domain::{BarDefect, Bars, Date, History, PriceBasis, RawBar, Symbol};

use super::columns::Cells;
use super::layout::Layout;
use super::numbers::DecimalMark;
use crate::price_factors::price_factors;
use crate::{RefusedRow, RowFault, RowLocation};

const RAW_NOTE: &str =
    "prices are as in the file: splits and dividends that it is not adjusted for appear as price moves";
const UNKNOWN_SPLITS_NOTE: &str =
    "volume is as in the file: an adjusted close does not separate splits from dividends";

/// What a row has beside its bar.
#[derive(Clone, Copy, PartialEq)]
struct Adjustment {
    adj_close: Option<f64>,
    /// New shares for one old share.
    split: Option<f64>,
}

/// The bars of the valid rows, notes on them, and the layout that their prices have. The other rows, and those after `latest`,
/// are added to `refused`.
pub(super) fn history(
    symbol: Symbol,
    rows: &[(Date, Cells<'_>)],
    layout: &'static Layout,
    mark: DecimalMark,
    latest: Option<Date>,
    refused: &mut Vec<RefusedRow>,
) -> (History, Vec<&'static str>, &'static Layout) {
    let (mut raw, mut adjustments, mut conflicting) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    let mut refuse = |line, date, reason| {
        refused.push(RefusedRow { location: RowLocation::Line { line }, date: Some(date), reason });
    };
    for (date, cells) in rows {
        match parse(*date, cells, layout, mark) {
            _ if latest.is_some_and(|latest| *date > latest) => {
                refuse(cells.line, *date, RowFault::InTheFuture);
            }
            Ok((bar, adjustment)) => {
                raw.push((cells.line, bar));
                if *adjustments.entry(*date).or_insert(adjustment) != adjustment {
                    conflicting.insert(*date);
                }
            }
            Err(fault) => refuse(cells.line, *date, fault),
        }
    }
    raw.retain(|(line, bar)| {
        let is_used = !conflicting.contains(&bar.date);
        if !is_used {
            refuse(*line, bar.date, RowFault::Bar(BarDefect::ConflictingDate));
        }
        is_used
    });
    let (bars, of_bars) = Bars::from_raw(raw.iter().map(|(_, bar)| *bar));
    of_bars.iter().for_each(|bar| refuse(raw[bar.position].0, bar.date, RowFault::Bar(bar.reason)));
    let adj_closes = bars.view().date.iter().map(|date| adjustments[date].adj_close).collect();
    adjusted(symbol, bars, adj_closes, splits(rows, mark), layout)
}

/// The splits of a file that names them, by date, also those of rows that are left out. `None` also if two rows of a date contradict
/// each other.
fn splits(rows: &[(Date, Cells<'_>)], mark: DecimalMark) -> Option<BTreeMap<Date, f64>> {
    let mut splits = BTreeMap::new();
    for (date, cells) in rows {
        let Some(shares) = mark.number(cells.split?).ok().filter(|shares| *shares > 0.0) else { continue };
        if *splits.entry(*date).or_insert(shares) != shares {
            return None;
        }
    }
    Some(splits)
}

fn parse(
    date: Date,
    cells: &Cells<'_>,
    layout: &Layout,
    mark: DecimalMark,
) -> Result<(RawBar, Adjustment), RowFault> {
    let [open, high, low, close] = cells.prices;
    let (digits, scale) = layout.volume(cells.volume);
    let bar = RawBar {
        date,
        open: mark.number(open)?,
        high: mark.number(high)?,
        low: mark.number(low)?,
        close: mark.number(close)?,
        volume: mark.number(digits)? * scale,
    };
    let adj_close = cells.adj_close.map(|text| mark.number(text)).transpose()?;
    if adj_close.is_some_and(|price| price <= 0.0) {
        return Err(RowFault::AdjustedNotPositive);
    }
    let split = cells.split.map(|text| mark.number(text)).transpose()?;
    if split.is_some_and(|shares| shares <= 0.0) {
        return Err(RowFault::SplitNotPositive);
    }
    Ok((bar, Adjustment { adj_close, split }))
}

/// `adj_closes` and `splits`: `None` without their column.
fn adjusted(
    symbol: Symbol,
    bars: Bars,
    adj_closes: Option<Vec<f64>>,
    splits: Option<BTreeMap<Date, f64>>,
    layout: &'static Layout,
) -> (History, Vec<&'static str>, &'static Layout) {
    let mut notes: Vec<&str> = layout.note.into_iter().collect();
    let view = bars.view();
    let layout = layout.of_closes(view.close, adj_closes.as_deref().unwrap_or_default());
    let factors = adj_closes.map(|closes| price_factors(&closes, view.close));
    let shares = splits.map(|splits| shares_at_end(view.date, &splits));
    let history = match (factors, shares, layout.basis) {
        (Some(factors), Some(shares), _) => History::adjusted_by(symbol, bars, &factors, &shares),
        (Some(factors), None, PriceBasis::Split) => History::adjusted_for_dividends(symbol, bars, &factors),
        (Some(factors), None, PriceBasis::Raw | PriceBasis::SplitDividend) => {
            notes.push(UNKNOWN_SPLITS_NOTE);
            History::adjusted_without_splits(symbol, bars, &factors)
        }
        (None, Some(shares), PriceBasis::Raw) => {
            let prices: Vec<f64> = shares.iter().map(|shares| 1.0 / shares).collect();
            History::unadjusted(symbol, bars.scaled(&prices, &shares), PriceBasis::Split)
        }
        (None, _, basis) => {
            notes.push(RAW_NOTE);
            History::unadjusted(symbol, bars, basis)
        }
    };
    (history, notes, layout)
}

/// Shares at the last bar for one share at each bar, whose own split is in its prices already.
fn shares_at_end(dates: &[Date], splits: &BTreeMap<Date, f64>) -> Vec<f64> {
    let mut shares = 1.0;
    let mut backwards = Vec::with_capacity(dates.len());
    let is_known = |date: &Date| dates.last().is_some_and(|last| date <= last);
    let mut later = splits.iter().rev().filter(|(date, _)| is_known(date)).peekable();
    for date in dates.iter().rev() {
        while let Some((_, split)) = later.next_if(|(of_split, _)| *of_split > date) {
            shares *= split;
        }
        backwards.push(shares);
    }
    backwards.reverse();
    backwards
}
