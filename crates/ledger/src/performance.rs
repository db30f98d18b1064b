//! Investment performance, independent of deposits and withdrawals.

use domain::{Date, Money};
use rust_decimal::Decimal;

/// Value and net flow at the end of a UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The day.
    pub date: Date,
    /// Total value at the end of the day.
    pub value: Money,
    /// Deposits less withdrawals since the previous close.
    pub net_flow: Money,
}

/// The time-weighted return since the last close of the year before `today`'s, as a ratio: 0.05 is 5 %. `closes` are in
/// one currency, each date once, in any order; a year without an earlier close begins with its first. A day's return is
/// (value − net flow) / value of the close before − 1, and 0 when there was nothing before; days multiply.
///
/// `None` when the year has no close, a number is out of range, or a day has no meaningful return: one that began with a
/// debt, and one that lost more than it began with. Flows count at the end of their day, so money that is deposited and lost
/// on the same day is measured against the value before it: one cent, a deposit of 1,000.00 and a fall of one percent would
/// give −100,000 %. The lowest result is −1.
///
/// Source: time-weighted return with flows at the end of the day, CFA Institute, GIPS, and Bacon, *Practical Portfolio
/// Performance Measurement and Attribution*, 2nd ed., ch. 2.
///
/// ```
/// use domain::{Currency, Money};
/// let close = |date: &str, value, net_flow| ledger::Close {
///     date: date.parse().unwrap(),
///     value: Money::from_minor(value, Currency::Usd),
///     net_flow: Money::from_minor(net_flow, Currency::Usd),
/// };
/// // 100 → 110 is 10 %; 50 paid in, 110 → 176 is 126 / 110: 14.5454… %; together 26 %.
/// let closes = [close("2025-12-31", 100, 0), close("2026-01-01", 110, 0), close("2026-01-02", 176, 50)];
/// let ratio = ledger::year_to_date(&closes, "2026-01-02".parse().unwrap()).unwrap();
/// assert_eq!(ratio.round_dp(12).to_string(), "0.260000000000");
/// ```
#[must_use]
pub fn year_to_date(closes: &[Close], today: Date) -> Option<Decimal> {
    let year = today.ymd().0;
    let mut closes: Vec<&Close> = closes.iter().filter(|close| close.date <= today).collect();
    closes.sort_unstable_by_key(|close| close.date);
    let first = closes.partition_point(|close| close.date.ymd().0 < year);
    if first == closes.len() {
        return None;
    }
    let mut before = first.checked_sub(1).map_or(0, |last| closes[last].value.minor());
    let mut growth = Decimal::ONE;
    for close in &closes[first..] {
        growth = growth.checked_mul(growth_of_day(before, close)?)?;
        before = close.value.minor();
    }
    growth.checked_sub(Decimal::ONE)
}

/// Growth factor of a day; 1 if there was nothing before. `None` after a debt, and for a loss of more than everything.
fn growth_of_day(before: i64, close: &Close) -> Option<Decimal> {
    if before == 0 {
        return Some(Decimal::ONE);
    }
    let earned = Decimal::from(close.value.minor()).checked_sub(Decimal::from(close.net_flow.minor()))?;
    let is_return = before > 0 && earned >= Decimal::ZERO;
    is_return.then(|| earned.checked_div(Decimal::from(before))).flatten()
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    fn ytd(closes: &[(&str, i64, i64)], today: &str) -> Option<String> {
        let usd = |minor| Money::from_minor(minor, Currency::Usd);
        let closes: Vec<Close> = closes
            .iter()
            .map(|&(date, value, flow)| Close {
                date: date.parse().unwrap(),
                value: usd(value),
                net_flow: usd(flow),
            })
            .collect();
        let ratio = year_to_date(&closes, today.parse().unwrap());
        ratio.map(|ratio| ratio.round_dp(6).normalize().to_string())
    }

    #[test]
    fn deposits_are_not_performance() {
        // By hand from the definition.
        for (closes, today, expected) in [
            (vec![], "2026-01-02", None),
            // The previous year alone gives no result.
            (vec![("2025-12-31", 100, 100)], "2026-01-02", None),
            // All of it paid in: nothing was earned.
            (vec![("2026-01-02", 100, 100)], "2026-01-02", Some("0")),
            (vec![("2026-01-01", 100, 100), ("2026-01-02", 150, 50)], "2026-01-02", Some("0")),
            (vec![("2025-12-31", 100, 0), ("2026-01-01", 90, 0)], "2026-01-02", Some("-0.1")),
            // −50 % and then +100 % is nothing.
            (
                vec![("2025-12-30", 200, 0), ("2026-01-01", 100, 0), ("2026-01-02", 200, 0)],
                "2026-01-02",
                Some("0"),
            ),
            // Closes after today are ignored, in any order.
            (
                vec![("2026-01-03", 900, 0), ("2026-01-01", 110, 0), ("2025-12-31", 100, 0)],
                "2026-01-02",
                Some("0.1"),
            ),
            // A debt has no return, whether it becomes more or less.
            (vec![("2025-12-31", -5, 0), ("2026-01-01", 100, 0)], "2026-01-02", None),
            (vec![("2025-12-31", -5, 0), ("2026-01-01", -10, 0)], "2026-01-02", None),
            // A cent, 1,000.00 paid in, and 990.00 left: (99,000 − 100,000) / 1 = −1,000, which is no growth.
            (vec![("2025-12-31", 1, 0), ("2026-01-01", 99_000, 100_000)], "2026-01-02", None),
            // It does not become one by another such day: (−1,000) × (−2).
            (
                vec![("2025-12-31", 1, 0), ("2026-01-01", 99_000, 100_000), ("2026-01-02", 1_000, 199_000)],
                "2026-01-02",
                None,
            ),
            // 10.00, 1,000.00 paid in, and 1,000.00 left: (100,000 − 100,000) / 1,000 = 0, all of it lost.
            (vec![("2025-12-31", 1_000, 0), ("2026-01-01", 100_000, 100_000)], "2026-01-02", Some("-1")),
            // The same loss, with as much there before as came in: (199,000 − 100,000) / 100,000 = 0.99.
            (vec![("2025-12-31", 100_000, 0), ("2026-01-01", 199_000, 100_000)], "2026-01-02", Some("-0.01")),
            // All of it taken out is no loss.
            (vec![("2025-12-31", 100, 0), ("2026-01-01", 0, -100)], "2026-01-02", Some("0")),
        ] {
            assert_eq!(ytd(&closes, today).as_deref(), expected, "{closes:?}");
        }
    }
}
