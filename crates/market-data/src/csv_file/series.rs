//! The price history of a file's rows.

use std::collections::BTreeMap;

use domain::{Bars, Date, History, PriceBasis, RawBar, Symbol};

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
struct Adjustment {
    adj_close: Option<f64>,
    /// New shares for one old share.
    split: Option<f64>,
}

/// The bars of the valid rows, and notes on them. The other rows are added to `refused`.
pub(super) fn history(
    symbol: Symbol,
    rows: &[(Date, Cells<'_>)],
    layout: &Layout,
    mark: DecimalMark,
    refused: &mut Vec<RefusedRow>,
) -> (History, Vec<&'static str>) {
    let (mut raw, mut lines, mut adjustments) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut refuse = |line, date, reason| {
        refused.push(RefusedRow { location: RowLocation::Line { line }, date: Some(date), reason });
    };
    for (date, cells) in rows {
        match parse(*date, cells, layout, mark) {
            Ok((bar, adjustment)) => {
                raw.push(bar);
                lines.push(cells.line);
                adjustments.entry(*date).or_insert(adjustment);
            }
            Err(fault) => refuse(cells.line, *date, fault),
        }
    }
    let (bars, of_bars) = Bars::from_raw(raw);
    of_bars.iter().for_each(|bar| refuse(lines[bar.position], bar.date, RowFault::Bar(bar.reason)));
    adjusted(symbol, bars, &adjustments, layout)
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

fn adjusted(
    symbol: Symbol,
    bars: Bars,
    adjustments: &BTreeMap<Date, Adjustment>,
    layout: &Layout,
) -> (History, Vec<&'static str>) {
    let mut notes: Vec<&str> = layout.note.into_iter().collect();
    let view = bars.view();
    let used = || view.date.iter().map(|date| &adjustments[date]);
    let adj_closes: Option<Vec<f64>> = used().map(|adjustment| adjustment.adj_close).collect();
    let splits: Option<Vec<f64>> = used().map(|adjustment| adjustment.split).collect();
    let Some(adj_closes) = adj_closes.filter(|closes| !closes.is_empty()) else {
        notes.push(RAW_NOTE);
        return (History::unadjusted(symbol, bars, layout.basis), notes);
    };
    let factors = price_factors(&adj_closes, view.close);
    let history = match (splits, layout.basis) {
        (Some(splits), _) => History::adjusted_by(symbol, bars, &factors, &shares_at_end(&splits)),
        (None, PriceBasis::Split) => History::adjusted_for_dividends(symbol, bars, &factors),
        (None, PriceBasis::Raw | PriceBasis::SplitDividend) => {
            notes.push(UNKNOWN_SPLITS_NOTE);
            History::adjusted_without_splits(symbol, bars, &factors)
        }
    };
    (history, notes)
}

/// Shares at the last bar for one share at each bar, whose own split is in its prices already.
fn shares_at_end(splits: &[f64]) -> Vec<f64> {
    let mut shares = 1.0;
    let mut backwards: Vec<f64> = Vec::with_capacity(splits.len());
    for split in splits.iter().rev() {
        backwards.push(shares);
        shares *= split;
    }
    backwards.reverse();
    backwards
}
