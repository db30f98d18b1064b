//! Whether bars are as far apart as their timeframe says: figures of a year would otherwise be those of another span.

use domain::{BarsView, Timeframe};

/// Gaps from which their median tells what the bars are.
const GAPS_MIN: usize = 10;

/// Checks that there is one bar for each day, week or month, and that most of them are not missing.
///
/// # Errors
/// What is wrong, and what to do.
pub(super) fn check(bars: BarsView<'_>, timeframe: Timeframe) -> Result<(), String> {
    let (unit, gap_days_max, remedy) = match timeframe {
        Timeframe::Day => ("day", 4, "send weekly bars as 1w and monthly bars as 1M"),
        Timeframe::Week => ("week", 13, "send monthly bars as 1M"),
        Timeframe::Month => ("month", 45, "longer bars are not supported"),
    };
    let name = timeframe.as_str();
    let grouped = bars.resampled(timeframe);
    let extra = bars.date.iter().zip(grouped.view().date).position(|(date, first)| date != first);
    let extra = extra.or((grouped.len() < bars.len()).then_some(grouped.len()));
    if let Some(at) = extra {
        let (first, second) = (bars.date[at - 1], bars.date[at]);
        return Err(format!(
            "{first} and {second} are in one {unit}, but {name} has one bar for each {unit}; send daily bars as 1d"
        ));
    }
    let mut gaps: Vec<i32> = bars.date.windows(2).map(|pair| pair[1].days() - pair[0].days()).collect();
    if gaps.len() < GAPS_MIN {
        return Ok(());
    }
    let middle = gaps.len() / 2;
    let (_, median, _) = gaps.select_nth_unstable(middle);
    match *median > gap_days_max {
        true => Err(format!(
            "most bars are {median} days apart or more, but {name} has one for each {unit}; {remedy}"
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Bars, Date, RawBar};

    use super::*;

    /// Bars every `step` days from Monday 2013-01-07.
    fn bars(count: i32, step: i32) -> Bars {
        let first: Date = "2013-01-07".parse().unwrap();
        let bar = |at: i32| RawBar {
            date: Date::from_days(first.days() + at * step).unwrap(),
            open: 1.0,
            high: 1.0,
            low: 1.0,
            close: 1.0,
            volume: 1.0,
        };
        Bars::from_raw((0..count).map(bar)).0
    }

    #[test]
    fn bars_of_another_timeframe_are_refused() {
        for (count, step, timeframe, expected) in [
            (30, 1, Timeframe::Day, None),
            (30, 3, Timeframe::Day, None),
            (30, 7, Timeframe::Week, None),
            (30, 31, Timeframe::Month, None),
            (3, 30, Timeframe::Day, None),
            (30, 1, Timeframe::Week, Some("2013-01-07 and 2013-01-08 are in one week")),
            (30, 7, Timeframe::Month, Some("2013-01-07 and 2013-01-14 are in one month")),
            (2, 1, Timeframe::Week, Some("2013-01-07 and 2013-01-08 are in one week")),
            (30, 7, Timeframe::Day, Some("most bars are 7 days apart or more, but 1d has one for each day")),
            (
                30,
                31,
                Timeframe::Week,
                Some("most bars are 31 days apart or more, but 1w has one for each week"),
            ),
            (
                30,
                92,
                Timeframe::Month,
                Some("most bars are 92 days apart or more, but 1M has one for each month"),
            ),
        ] {
            let problem = check(bars(count, step).view(), timeframe).err();
            let beginning = problem.as_deref().map(|text| text.split(';').next().unwrap());
            let beginning = beginning.map(|text| text.split(", but 1w has one bar").next().unwrap());
            let beginning = beginning.map(|text| text.split(", but 1M has one bar").next().unwrap());
            assert_eq!(beginning, expected, "{count} bars every {step} days as {timeframe:?}");
        }
        assert_eq!(check(Bars::default().view(), Timeframe::Week), Ok(()));
    }
}
