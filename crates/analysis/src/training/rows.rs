//! Rows of inputs and outcomes, and which of them may be used before a test year.

use domain::Date;

use super::{EMBARGO_BARS, FIRST_TEST_YEAR, FitError, Series};

/// One day of one symbol: its inputs, and the outcome within the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row<const N: usize, Y> {
    /// Position of the symbol among those that models are fitted to.
    pub(super) symbol: usize,
    pub(super) date: Date,
    /// Last test year that this row must not be trained for: its outcome, embargo included, ends after that year begins.
    pub(super) tainted_year: i16,
    /// Inputs as of the close of the day.
    pub(super) inputs: [f64; N],
    pub(super) outcome: Y,
}

impl<const N: usize, Y> Row<N, Y> {
    pub(super) fn year(&self) -> i16 {
        self.date.ymd().0
    }

    /// Whether a model for `year` may be fitted to this row.
    pub(super) fn is_known_before(&self, year: i16) -> bool {
        self.tainted_year < year
    }
}

/// Every day of `series`, the `symbol`-th, for which `row` has inputs and an outcome within `horizon` bars.
pub(super) fn rows<const N: usize, Y>(
    symbol: usize,
    series: &Series<'_>,
    horizon: usize,
    row: impl Fn(usize) -> Option<([f64; N], Y)>,
) -> Vec<Row<N, Y>> {
    let dates = series.bars.date;
    let labelled = dates.len().saturating_sub(horizon);
    let build = |at: usize| {
        let (inputs, outcome) = row(at)?;
        let over = (at + horizon + EMBARGO_BARS).min(dates.len() - 1);
        Some(Row { symbol, date: dates[at], tainted_year: dates[over].ymd().0, inputs, outcome })
    };
    (0..labelled).filter_map(build).collect()
}

/// Predicts every test year from the rows before it: the total score, the score of each year, and all predictions.
pub(super) fn walk_forward<const N: usize, Y: Copy, P, S>(
    rows: &[Row<N, Y>],
    predict: impl Fn(&[Row<N, Y>], &[Row<N, Y>]) -> Result<Vec<P>, FitError>,
    score: impl Fn(Option<i16>, &[P]) -> S,
) -> Result<(S, Vec<S>, Vec<P>), FitError> {
    let (mut by_year, mut all) = (Vec::new(), Vec::new());
    for (year, train, test) in folds(rows) {
        let predictions = predict(&train, &test)?;
        if !predictions.is_empty() {
            by_year.push(score(Some(year), &predictions));
            all.extend(predictions);
        }
    }
    if all.is_empty() { Err(FitError::TooFewRows) } else { Ok((score(None, &all), by_year, all)) }
}

/// Predicts every test year of each symbol from the rows of the other symbols before it.
pub(super) fn walk_forward_of_others<const N: usize, Y: Copy, P>(
    rows: &[Row<N, Y>],
    predict: impl Fn(&[Row<N, Y>], &[Row<N, Y>]) -> Result<Vec<P>, FitError>,
) -> Result<Vec<P>, FitError> {
    let mut all = Vec::new();
    let symbols = rows.iter().map(|row| row.symbol).max().map_or(0, |last| last + 1);
    for (_, train, test) in folds(rows) {
        for symbol in 0..symbols {
            let others: Vec<_> = train.iter().filter(|row| row.symbol != symbol).copied().collect();
            let own: Vec<_> = test.iter().filter(|row| row.symbol == symbol).copied().collect();
            if !own.is_empty() {
                all.extend(predict(&others, &own)?);
            }
        }
    }
    if all.is_empty() { Err(FitError::TooFewRows) } else { Ok(all) }
}

/// The years to test, for each the rows to train on and the rows to predict.
fn folds<const N: usize, Y: Copy>(
    rows: &[Row<N, Y>],
) -> impl Iterator<Item = (i16, Vec<Row<N, Y>>, Vec<Row<N, Y>>)> {
    let last = rows.iter().map(Row::year).max().unwrap_or(FIRST_TEST_YEAR - 1);
    (FIRST_TEST_YEAR..=last).map(move |year| {
        let train = rows.iter().filter(|row| row.is_known_before(year)).copied().collect();
        let test = rows.iter().filter(|row| row.year() == year).copied().collect();
        (year, train, test)
    })
}

#[cfg(test)]
mod tests {
    use domain::{Bars, RawBar};

    use super::*;

    /// Every day of 2003 and 2004.
    fn two_years() -> Bars {
        let first: Date = "2003-01-01".parse().unwrap();
        let bar = |day| RawBar {
            date: Date::from_days(first.days() + day).unwrap(),
            open: 1.0,
            high: 1.0,
            low: 1.0,
            close: 1.0,
            volume: 1.0,
        };
        Bars::from_raw((0..731).map(bar)).0
    }

    #[test]
    fn training_ends_horizon_and_embargo_before_the_test_year() {
        let bars = two_years();
        let series = Series { symbol: "X", bars: bars.view() };
        let rows = rows(0, &series, 21, |at| Some(([at as f64], at)));
        let (year, train, test) = folds(&rows).next().unwrap();
        assert_eq!(year, 2004);
        // 2003-12-31 less 26 days: its label ends on the 26th, five days of embargo follow.
        assert_eq!(train.last().unwrap().date.to_string(), "2003-12-05");
        assert_eq!(test.first().unwrap().date.to_string(), "2004-01-01");
        // The last day whose 21 bars ahead exist.
        assert_eq!(test.last().unwrap().date.to_string(), "2004-12-10");
    }
}
