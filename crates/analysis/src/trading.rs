//! Whether an equity is traded often enough for its returns to mean something.
//!
//! Where nothing is traded, sources repeat the last price or leave the day out. Returns of such bars are those of stale prices:
//! deviations come out too small, and ratios to them too large.

use domain::{BarsView, PRICE_TOLERANCE, Timeframe};

use crate::Absence;

/// Share of bars with a trade below which figures take no part in a score.
const TRADED_SHARE_MIN: f64 = 0.5;
/// Days in a year, for the number of bars that a calendar would have.
const YEAR_DAYS: f64 = 365.25;

/// Checks that the equity was traded on at least half of the bars that the calendar expects.
///
/// A bar was traded when its price moved, within the bar or since the one before, and its volume is not zero. Where no bar has a
/// volume, as with indices and currencies, volume does not count.
///
/// # Errors
/// [`Absence::ThinTrading`].
pub(crate) fn often_enough(bars: BarsView<'_>, timeframe: Timeframe) -> Result<(), Absence> {
    let (Some(first), Some(last)) = (bars.date.first(), bars.date.last()) else { return Ok(()) };
    let has_volume = bars.volume.iter().any(|volume| *volume > 0.0);
    let is_traded = |at: usize| {
        let close = bars.close[at];
        let moved = (bars.high[at] - bars.low[at]).max((close - bars.close[at - 1]).abs());
        let is_moved = moved > PRICE_TOLERANCE * close;
        usize::from(is_moved && (bars.volume[at] > 0.0 || !has_volume))
    };
    let traded: usize = 1 + (1..bars.len()).map(is_traded).sum::<usize>();
    let years = f64::from(last.days() - first.days()) / YEAR_DAYS;
    let expected = bars.len().max((years * timeframe.bars_per_year()) as usize);
    if (traded as f64) < TRADED_SHARE_MIN * expected as f64 {
        return Err(Absence::ThinTrading { traded, expected });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{Bars, Date, RawBar};

    use super::*;

    /// Bars every `step` days with these closes and volumes, without a range.
    fn bars(step: i32, values: impl Iterator<Item = (f64, f64)>) -> Bars {
        let bar = |(at, (close, volume)): (usize, (f64, f64))| RawBar {
            date: Date::from_days(15_000 + step * at as i32).unwrap(),
            open: close,
            high: close,
            low: close,
            close,
            volume,
        };
        Bars::from_raw(values.enumerate().map(bar)).0
    }

    #[test]
    fn repeated_prices_and_missing_days_are_not_trades() {
        let walk = |at: usize| 10.0 + at as f64 / 8.0;
        let often = bars(1, (0..100).map(|at| (walk(at), 5.0)));
        assert_eq!(often_enough(often.view(), Timeframe::Day), Ok(()));
        let without_volume = bars(1, (0..100).map(|at| (walk(at), 0.0)));
        assert_eq!(often_enough(without_volume.view(), Timeframe::Day), Ok(()));
        let stale = bars(1, (0..100).map(|at| (walk(at / 10), 5.0)));
        // Rounding is no trade.
        let dust = bars(1, (0..100).map(|at| (walk(at / 10) * (1.0 + f64::EPSILON * (at % 3) as f64), 5.0)));
        let thin = |traded, expected| Err(Absence::ThinTrading { traded, expected });
        assert_eq!(often_enough(stale.view(), Timeframe::Day), thin(10, 100));
        assert_eq!(often_enough(dust.view(), Timeframe::Day), thin(10, 100));
        let no_volume_on_most = bars(1, (0..100).map(|at| (walk(at), f64::from(u8::from(at % 10 == 0)))));
        assert_eq!(often_enough(no_volume_on_most.view(), Timeframe::Day), thin(10, 100));
        // 99 weeks have 478 trading days.
        let weekly = bars(7, (0..100).map(|at| (walk(at), 5.0)));
        assert_eq!(often_enough(weekly.view(), Timeframe::Day), thin(100, 478));
        assert_eq!(often_enough(weekly.view(), Timeframe::Week), Ok(()));
        assert_eq!(often_enough(Bars::default().view(), Timeframe::Day), Ok(()));
    }
}
