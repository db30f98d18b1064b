//! Falls from a peak: how deep, from when to when, how painful on average.

use domain::Date;

use crate::Absence;

/// The deepest fall of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawdown {
    /// Trough over peak, less 1: zero or negative.
    pub depth: f64,
    /// Date of the close it fell from.
    pub peak: Date,
    /// Date of the lowest close.
    pub trough: Date,
    /// Date of the first close at or above the peak again; `None` while it is not recovered.
    pub recovery: Option<Date>,
}

/// The smallest of close / highest close so far − 1, the earliest when several are equal.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 closes.
pub fn max_drawdown(dates: &[Date], closes: &[f64]) -> Result<Drawdown, Absence> {
    if closes.len() < 2 {
        return Err(Absence::InsufficientHistory { need: 2, have: closes.len() });
    }
    let (mut peak, mut deepest) = (0, (0.0, 0, 0));
    for (at, close) in closes.iter().enumerate() {
        if *close > closes[peak] {
            peak = at;
        }
        let depth = close / closes[peak] - 1.0;
        if depth < deepest.0 {
            deepest = (depth, peak, at);
        }
    }
    let (depth, peak, trough) = deepest;
    let recovered = closes[trough..].iter().position(|close| *close >= closes[peak]);
    Ok(Drawdown {
        depth,
        peak: dates[peak],
        trough: dates[trough],
        recovery: recovered.map(|after| dates[trough + after]),
    })
}

/// Ulcer index: √(Σ drawdown² / (number of returns − 1)), the drawdowns taken after each return.
///
/// # Errors
/// [`Absence::InsufficientHistory`] below 2 returns.
pub fn ulcer_index(closes: &[f64]) -> Result<f64, Absence> {
    let [first, rest @ ..] = closes else {
        return Err(Absence::InsufficientHistory { need: 3, have: 0 });
    };
    if rest.len() < 2 {
        return Err(Absence::InsufficientHistory { need: 3, have: closes.len() });
    }
    let (mut peak, mut squares) = (*first, 0.0);
    for close in rest {
        peak = peak.max(*close);
        let depth = close / peak - 1.0;
        squares += depth * depth;
    }
    Ok((squares / (rest.len() as f64 - 1.0)).sqrt())
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
        let found = max_drawdown(&dates, &closes).unwrap();
        // 6 / 12 - 1, from day 1 to day 3, back at 12 on day 5.
        assert_eq!(
            found,
            Drawdown { depth: -0.5, peak: dates[1], trough: dates[3], recovery: Some(dates[5]) }
        );
        let open = max_drawdown(&dates[..5], &closes[..5]).unwrap();
        assert_eq!(open.recovery, None);
    }

    #[test]
    fn a_series_that_never_falls_has_depth_zero() {
        let found = max_drawdown(&days(3), &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((found.depth, found.peak, found.trough), (0.0, found.trough, found.peak));
        assert_eq!(ulcer_index(&[1.0, 2.0, 3.0]), Ok(0.0));
        assert!(max_drawdown(&days(1), &[1.0]).is_err());
    }

    #[test]
    fn ulcer_divides_by_the_returns_less_one() {
        // Drawdowns 0, -0.5, -0.25 after three returns: sqrt((0.25 + 0.0625) / 2).
        let got = ulcer_index(&[10.0, 12.0, 6.0, 9.0]).unwrap();
        assert!((got - (0.3125_f64 / 2.0).sqrt()).abs() < 1e-15);
    }
}
