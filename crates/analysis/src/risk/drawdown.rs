//! Falls from a peak: their depth, dates and average.

use domain::Date;

use super::at_least;
use crate::Absence;

/// The deepest fall of a series, and the average of all falls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drawdown {
    /// The smallest of close / highest close so far − 1: zero or negative.
    pub(crate) depth: f64,
    /// Date of the close before the fall.
    pub(crate) peak: Date,
    /// Date of the lowest close, the earliest of several.
    pub(crate) trough: Date,
    /// Date of the first later close at or above the peak; `None` until then.
    pub(crate) recovery: Option<Date>,
    /// Ulcer index: √(Σ drawdown² / (number of returns − 1)), the drawdowns taken after each return.
    pub(crate) ulcer_index: Result<f64, Absence>,
}

/// The deepest fall of `closes`; `dates` has the same length.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 closes.
pub(crate) fn drawdown(dates: &[Date], closes: &[f64]) -> Result<Drawdown, Absence> {
    at_least(1, closes.len().saturating_sub(1))?;
    let mut peak = 0;
    let (mut depth, mut from, mut trough) = (0.0, 0, 0);
    let mut squares = 0.0;
    for (at, close) in closes.iter().enumerate() {
        if *close > closes[peak] {
            peak = at;
            continue;
        }
        let fall = close / closes[peak] - 1.0;
        squares += fall * fall;
        if fall < depth {
            (depth, from, trough) = (fall, peak, at);
        }
    }
    let recovered = closes[trough..].iter().position(|close| *close >= closes[from]);
    let returns = closes.len() - 1;
    let ulcer_index = at_least(2, returns).map(|()| (squares / (returns as f64 - 1.0)).sqrt());
    let recovery = recovered.map(|after| dates[trough + after]);
    Ok(Drawdown { depth, peak: dates[from], trough: dates[trough], recovery, ulcer_index })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(count: i32) -> Vec<Date> {
        (0..count).map(|day| Date::from_days(day).unwrap()).collect()
    }

    #[test]
    fn the_deepest_fall_names_peak_trough_and_recovery() {
        let closes = [10.0, 12.0, 9.0, 6.0, 8.0, 12.0, 11.0];
        let dates = days(7);
        let result = drawdown(&dates, &closes).unwrap();
        // 6 / 12 - 1, from day 1 to day 3, back at 12 on day 5.
        assert_eq!((result.depth, result.peak, result.trough), (-0.5, dates[1], dates[3]));
        assert_eq!(result.recovery, Some(dates[5]));
        let open = drawdown(&dates[..5], &closes[..5]).unwrap();
        assert_eq!(open.recovery, None);
    }

    #[test]
    fn a_series_that_never_falls_has_depth_zero() {
        let result = drawdown(&days(3), &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((result.depth, result.peak, result.trough), (0.0, result.trough, result.peak));
        assert_eq!(result.ulcer_index, Ok(0.0));
        assert!(drawdown(&days(1), &[1.0]).is_err());
    }

    #[test]
    fn ulcer_divides_by_the_returns_less_one() {
        // Drawdowns 0, -0.5, -0.25 after three returns: sqrt((0.25 + 0.0625) / 2).
        let got = drawdown(&days(4), &[10.0, 12.0, 6.0, 9.0]).unwrap().ulcer_index.unwrap();
        assert!((got - (0.3125_f64 / 2.0).sqrt()).abs() < 1e-15);
    }
}
