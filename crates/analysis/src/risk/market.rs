//! An equity compared with its market: beta, alpha, information ratio.

use std::borrow::Cow;

use domain::{Date, DatedValues, Timeframe};

use super::at_least;
use super::moments::above_rounding;
use crate::Absence;

/// Returns of an equity and of its market over the same bars; borrowed where their calendars agree.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AlignedReturns<'a> {
    equity: Cow<'a, [f64]>,
    pub(crate) market: Cow<'a, [f64]>,
    /// First and last common date.
    pub(crate) dates: Option<(Date, Date)>,
}

/// Pairs `returns[i]`, the return of the bar that begins on `dates[i + 1]`, with the market's daily returns.
///
/// Daily bars are paired by date. For weeks and months the market's days are compounded over the same calendar
/// week or month; the newest bar is then left out, because its days may be incomplete.
pub(crate) fn align_with_market<'a>(
    dates: &[Date],
    returns: &'a [f64],
    market: &'a DatedValues,
    timeframe: Timeframe,
) -> AlignedReturns<'a> {
    let (Some(first), Some(last)) = (dates.get(1), dates.last()) else { return AlignedReturns::default() };
    let start = match timeframe {
        Timeframe::Day => market.dates().partition_point(|date| date < first),
        // The week or month of a bar can begin before the first day of the bar.
        Timeframe::Week | Timeframe::Month => {
            market.dates().partition_point(|date| *date < first.minus_days(31))
        }
    };
    if timeframe == Timeframe::Day && market.dates()[start..].starts_with(&dates[1..]) {
        let of_market = &market.values()[start..start + returns.len()];
        return AlignedReturns {
            equity: Cow::Borrowed(returns),
            market: Cow::Borrowed(of_market),
            dates: Some((*first, *last)),
        };
    }
    let days = market.dates()[start..].iter().copied().zip(market.values()[start..].iter().copied());
    match timeframe {
        Timeframe::Day => same_dates(&dates[1..], returns, days.take_while(|(date, _)| date <= last)),
        Timeframe::Week | Timeframe::Month => {
            let group = |date: Date| group_of(date, timeframe);
            let newest = group(*last);
            same_groups(&dates[1..], returns, days.map(|(date, value)| (group(date), value)), newest, group)
        }
    }
}

/// Joins two ascending series by date.
fn same_dates<'a>(
    dates: &[Date],
    returns: &[f64],
    market: impl Iterator<Item = (Date, f64)>,
) -> AlignedReturns<'a> {
    let mut out = AlignedReturns::default();
    let mut bars = dates.iter().zip(returns).peekable();
    for (date, value) in market {
        while bars.next_if(|(at, _)| **at < date).is_some() {}
        if let Some((_, of_equity)) = bars.next_if(|(at, _)| **at == date) {
            out.push(date, *of_equity, value);
        }
    }
    out
}

/// Joins each bar with the market's compounded return over the bar's group, for groups before `newest`.
fn same_groups<'a>(
    dates: &[Date],
    returns: &[f64],
    market: impl Iterator<Item = (i32, f64)>,
    newest: i32,
    group: impl Fn(Date) -> i32,
) -> AlignedReturns<'a> {
    let mut market = market.peekable();
    let mut out = AlignedReturns::default();
    for (date, of_equity) in dates.iter().zip(returns) {
        let current = group(*date);
        if current >= newest {
            break;
        }
        while market.next_if(|(at, _)| *at < current).is_some() {}
        let mut growth = None;
        while let Some((_, value)) = market.next_if(|(at, _)| *at == current) {
            growth = Some(growth.unwrap_or(1.0) * (1.0 + value));
        }
        if let Some(growth) = growth {
            out.push(*date, *of_equity, growth - 1.0);
        }
    }
    out
}

/// A number that is the same for two dates in the same week (from Monday) or month.
fn group_of(date: Date, timeframe: Timeframe) -> i32 {
    match timeframe {
        Timeframe::Day => date.days(),
        // 1970-01-01 was a Thursday.
        Timeframe::Week => (date.days() + 3).div_euclid(7),
        Timeframe::Month => {
            let (year, month, _) = date.ymd();
            i32::from(year) * 12 + i32::from(month)
        }
    }
}

impl AlignedReturns<'_> {
    fn push(&mut self, date: Date, of_equity: f64, of_market: f64) {
        self.equity.to_mut().push(of_equity);
        self.market.to_mut().push(of_market);
        self.dates = Some((self.dates.map_or(date, |(first, _)| first), date));
    }

    /// Covariance with the market over the market's variance, both dividing by n − 1.
    ///
    /// # Errors
    /// [`Absence::Missing`] without a common date, [`Absence::InsufficientHistory`] with one, [`Absence::Flat`] when
    /// the market does not move.
    pub(crate) fn beta(&self) -> Result<f64, Absence> {
        let n = self.overlap()?;
        let [of_equity, of_market] = self.sums(|equity, market| [equity, market]).map(|sum| sum / n);
        let [covariance, variance] = self.sums(|equity, market| {
            let off = market - of_market;
            [off * (equity - of_equity), off * off]
        });
        above_rounding((variance / (n - 1.0)).sqrt())?;
        Ok(covariance / variance)
    }

    /// Mean over bars of the excess return that beta does not explain.
    ///
    /// # Errors
    /// Those of [`AlignedReturns::beta`].
    pub(crate) fn alpha_per_bar(&self, beta: f64, rate_per_bar: f64) -> Result<f64, Absence> {
        let n = self.overlap()?;
        let [of_equity, of_market] = self.sums(|equity, market| [equity, market]).map(|sum| sum / n);
        Ok((of_equity - rate_per_bar) - beta * (of_market - rate_per_bar))
    }

    /// Mean difference from the market over its sample deviation, times √(bars per year).
    ///
    /// # Errors
    /// Those of [`AlignedReturns::beta`]; [`Absence::Flat`] when the difference is constant.
    pub(crate) fn information_ratio(&self, bars_per_year: f64) -> Result<f64, Absence> {
        let n = self.overlap()?;
        let [mean] = self.sums(|equity, market| [equity - market]).map(|sum| sum / n);
        let [squares] = self.sums(|equity, market| {
            let off = (equity - market) - mean;
            [off * off]
        });
        Ok(mean / above_rounding((squares / (n - 1.0)).sqrt())? * bars_per_year.sqrt())
    }

    /// Sums over pairs, in four lanes of independent additions.
    fn sums<const N: usize>(&self, terms: impl Fn(f64, f64) -> [f64; N]) -> [f64; N] {
        let mut lanes = [[0.0; 4]; N];
        let (equity, equity_rest) = self.equity.as_chunks::<4>();
        let (market, market_rest) = self.market.as_chunks::<4>();
        for (equity, market) in equity.iter().zip(market) {
            for lane in 0..4 {
                let terms = terms(equity[lane], market[lane]);
                for term in 0..N {
                    lanes[term][lane] += terms[term];
                }
            }
        }
        for (equity, market) in equity_rest.iter().zip(market_rest) {
            let terms = terms(*equity, *market);
            for term in 0..N {
                lanes[term][0] += terms[term];
            }
        }
        lanes.map(|[a, b, c, d]| (a + b) + (c + d))
    }

    /// Number of common bars, if there are enough.
    fn overlap(&self) -> Result<f64, Absence> {
        if self.market.is_empty() {
            return Err(Absence::Missing { what: "dates in common with the market" });
        }
        at_least(2, self.market.len()).map(|()| self.market.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn market(pairs: &[(&str, f64)]) -> DatedValues {
        DatedValues::from_pairs(pairs.iter().map(|(day, value)| (date(day), *value)))
    }

    fn pair<'a>(equity: &'a [f64], market: &'a [f64]) -> AlignedReturns<'a> {
        AlignedReturns { equity: equity.into(), market: market.into(), dates: None }
    }

    #[test]
    fn only_common_dates_count() {
        let dates = ["2013-01-02", "2013-01-03", "2013-01-04", "2013-01-08"].map(date);
        let market = market(&[
            ("2013-01-02", 9.0),
            ("2013-01-03", 0.01),
            ("2013-01-07", 0.02),
            ("2013-01-08", 0.03),
            ("2013-01-09", 9.0),
        ]);
        let result = align_with_market(&dates, &[0.1, 0.2, 0.3], &market, Timeframe::Day);
        assert_eq!((&*result.equity, &*result.market), (&[0.1, 0.3][..], &[0.01, 0.03][..]));
        assert_eq!(result.dates, Some((dates[1], dates[3])));
        // Slope of (0.01, 0.1), (0.03, 0.3).
        assert!((result.beta().unwrap() - 10.0).abs() < 1e-12);
    }

    #[test]
    fn the_same_calendar_is_borrowed_and_gives_the_same_pairs() {
        let dates = ["2013-01-02", "2013-01-03", "2013-01-04"].map(date);
        let market = market(&[("2013-01-03", 0.01), ("2013-01-04", 0.02), ("2013-01-07", 9.0)]);
        let result = align_with_market(&dates, &[0.1, 0.2], &market, Timeframe::Day);
        assert!(matches!(result.market, Cow::Borrowed(&[0.01, 0.02])));
        assert_eq!(result.dates, Some((dates[1], dates[2])));
    }

    #[test]
    fn weeks_compound_the_market_over_the_same_week() {
        // Weeks of Monday 2012-12-31, 2013-01-07 (first bar on Tuesday), 2013-01-14.
        let dates = ["2012-12-31", "2013-01-08", "2013-01-14"].map(date);
        let market =
            market(&[("2013-01-04", 9.0), ("2013-01-07", 0.10), ("2013-01-11", 0.10), ("2013-01-14", 9.0)]);
        let result = align_with_market(&dates, &[0.5, 0.6], &market, Timeframe::Week);
        assert_eq!(*result.equity, [0.5]);
        assert!((result.market[0] - 0.21).abs() < 1e-15);
        let months = align_with_market(
            &["2012-12-03", "2013-01-02", "2013-02-01"].map(date),
            &[0.5, 0.6],
            &market,
            Timeframe::Month,
        );
        assert_eq!(*months.equity, [0.5]);
        assert!((months.market[0] - (10.0 * 1.21 * 10.0 - 1.0)).abs() < 1e-9);
    }

    #[test]
    fn no_overlap_and_a_flat_market_say_so() {
        let none = AlignedReturns::default();
        assert_eq!(none.beta(), Err(Absence::Missing { what: "dates in common with the market" }));
        let flat = pair(&[0.1, 0.2, 0.3], &[0.01; 3]);
        assert_eq!(flat.beta(), Err(Absence::Flat));
        let same = pair(&[0.1, 0.2], &[0.1, 0.2]);
        assert_eq!(same.information_ratio(252.0), Err(Absence::Flat));
        let one = pair(&[0.1], &[0.1]);
        assert_eq!(one.beta(), Err(Absence::InsufficientHistory { need: 3, have: 2 }));
    }
}
