//! Piotroski's nine tests of financial strength ("Value Investing", Journal of Accounting Research, 2000).
//!
//! Ratios to assets take the assets at the period's end, where the paper takes those at its beginning: two filings are
//! then enough instead of three.

use domain::Filing;
use serde::Serialize;
use utoipa::ToSchema;

use super::metrics::{given, ratio};
use crate::Absence;

/// One test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Criterion {
    /// When it is passed.
    pub passes_when: &'static str,
    /// Whether it is; null when an input is missing.
    pub passed: Option<bool>,
    /// Which.
    pub reason: Option<Absence>,
}

type Outcome = Result<f64, Absence>;
type OfYear = fn(&Filing) -> Outcome;

/// Tests `current` against the year before.
pub(super) fn criteria(current: &Filing, prior: Option<&Filing>) -> [Criterion; 9] {
    let earned = given(current.net_income, "net income");
    let flow = given(current.operating_cash_flow, "operating cash flow");
    let change = |of: OfYear| {
        let prior = prior.ok_or(Absence::Missing { what: "filing of the year before" })?;
        Ok(of(current)? - of(prior)?)
    };
    [
        test("return on assets > 0", return_on_assets(current).map(|value| value > 0.0)),
        test("operating cash flow > 0", flow.map(|value| value > 0.0)),
        test("return on assets rose", change(return_on_assets).map(|value| value > 0.0)),
        test("operating cash flow > net income", flow.and_then(|flow| Ok(flow > earned?))),
        test("long-term debt / assets did not rise", change(leverage).map(|value| value <= 0.0)),
        test("current ratio rose", change(current_ratio).map(|value| value > 0.0)),
        test("diluted shares did not rise", change(shares).map(|value| value <= 0.0)),
        test("gross margin rose", change(gross_margin).map(|value| value > 0.0)),
        test("revenue / assets rose", change(turnover).map(|value| value > 0.0)),
    ]
}

/// How many are passed, when all can be told.
pub(super) fn f_score(criteria: &[Criterion; 9]) -> Outcome {
    match criteria.iter().find_map(|test| test.reason) {
        Some(reason) => Err(reason),
        None => Ok(criteria.iter().filter(|test| test.passed == Some(true)).count() as f64),
    }
}

fn test(passes_when: &'static str, outcome: Result<bool, Absence>) -> Criterion {
    Criterion { passes_when, passed: outcome.ok(), reason: outcome.err() }
}

fn assets(filing: &Filing) -> Outcome {
    given(filing.assets, "assets")
}

fn return_on_assets(filing: &Filing) -> Outcome {
    ratio(given(filing.net_income, "net income"), assets(filing), "assets")
}

fn leverage(filing: &Filing) -> Outcome {
    ratio(given(filing.long_term_debt, "long-term debt"), assets(filing), "assets")
}

fn current_ratio(filing: &Filing) -> Outcome {
    let under = given(filing.current_liabilities, "current liabilities");
    ratio(given(filing.current_assets, "current assets"), under, "current liabilities")
}

fn shares(filing: &Filing) -> Outcome {
    given(filing.diluted_shares, "diluted shares")
}

fn gross_margin(filing: &Filing) -> Outcome {
    ratio(given(filing.gross_profit, "gross profit"), given(filing.revenue, "revenue"), "revenue")
}

fn turnover(filing: &Filing) -> Outcome {
    ratio(given(filing.revenue, "revenue"), assets(filing), "assets")
}
