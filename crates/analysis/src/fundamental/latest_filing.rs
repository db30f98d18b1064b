//! The newest filing that is public on a date, and the one a year before it.

use domain::{Date, Filing, FilingPeriod};

/// Days between the ends of two fiscal years: 52- and 53-week years, and changes of a few days.
const YEAR_DAYS: std::ops::RangeInclusive<i32> = 350..=380;

/// The newest period that is public on a date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LatestFiling<'a> {
    pub(super) current: &'a Filing,
    pub(super) period: FilingPeriod,
    pub(super) end_date: Date,
    /// The period of the same kind that ended a year before, if it was filed by then.
    pub(super) prior: Option<&'a Filing>,
}

impl<'a> LatestFiling<'a> {
    /// Uses filings made on or before `as_of`. Of two filings of one period, the later one amends the other and counts.
    pub(super) fn new(filings: &'a [Filing], as_of: Date) -> Option<Self> {
        let public = || filings.iter().filter_map(move |filing| annual(filing, as_of));
        let newest = |(end, filed, _, period): &(Date, Date, &Filing, FilingPeriod)| {
            (*end, is_trailing(*period), *filed)
        };
        let (end_date, _, current, period) = public().max_by_key(newest)?;
        let a_year_before = |end: Date| YEAR_DAYS.contains(&(end_date.days() - end.days()));
        let prior = public()
            .filter(|(end, _, _, of)| a_year_before(*end) && *of == period)
            .max_by_key(|(end, filed, ..)| (*end, *filed))
            .map(|(_, _, filing, _)| filing);
        Some(Self { current, period, end_date, prior })
    }
}

/// The filing with its dates, if it covers twelve months and is public.
fn annual(filing: &Filing, as_of: Date) -> Option<(Date, Date, &Filing, FilingPeriod)> {
    let (end, filed, period) = (filing.end_date?, filing.filing_date?, filing.period?);
    let covers_a_year = match period {
        FilingPeriod::Annual | FilingPeriod::TrailingTwelveMonths => true,
        FilingPeriod::Quarterly => false,
    };
    (covers_a_year && filed <= as_of && end <= filed).then_some((end, filed, filing, period))
}

fn is_trailing(period: FilingPeriod) -> bool {
    match period {
        FilingPeriod::TrailingTwelveMonths => true,
        FilingPeriod::Annual | FilingPeriod::Quarterly => false,
    }
}
