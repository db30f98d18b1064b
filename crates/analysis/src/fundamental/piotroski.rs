//! Piotroski's nine tests of financial strength ("Value Investing", Journal of Accounting Research, 2000).
//!
//! Ratios to assets use the assets at the end of the period, whereas the paper uses those at its beginning, so that two
//! filings are enough instead of three.

use domain::Filing;
use serde::Serialize;
use utoipa::ToSchema;

use super::ratio::{FiledFigure, given, ratio};
use crate::Absence;

/// One of the nine tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Criterion {
    /// Condition for passing.
    pub passes_when: &'static str,
    /// Whether the test is passed; null when an input is missing.
    pub passed: Option<bool>,
    /// Why `passed` is null.
    pub reason: Option<Absence>,
}

type FigureOf = fn(&Filing) -> FiledFigure;

/// Tests `current` against the year before.
pub(super) fn criteria(current: &Filing, prior: Option<&Filing>) -> [Criterion; 9] {
    let earned = given(current.net_income, "net income");
    let flow = given(current.operating_cash_flow, "operating cash flow");
    let change = |figure: FigureOf| {
        let prior = prior.ok_or(Absence::Missing { what: "filing of the year before" })?;
        Ok(figure(current)? - figure(prior)?)
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

/// Number of passed tests, if all can be computed.
pub(super) fn f_score(criteria: &[Criterion; 9]) -> FiledFigure {
    match criteria.iter().find_map(|test| test.reason) {
        Some(reason) => Err(reason),
        None => Ok(criteria.iter().filter(|test| test.passed == Some(true)).count() as f64),
    }
}

fn test(passes_when: &'static str, outcome: Result<bool, Absence>) -> Criterion {
    Criterion { passes_when, passed: outcome.ok(), reason: outcome.err() }
}

fn assets(filing: &Filing) -> FiledFigure {
    given(filing.assets, "assets")
}

fn return_on_assets(filing: &Filing) -> FiledFigure {
    ratio(given(filing.net_income, "net income"), assets(filing), "assets")
}

fn leverage(filing: &Filing) -> FiledFigure {
    ratio(given(filing.long_term_debt, "long-term debt"), assets(filing), "assets")
}

fn current_ratio(filing: &Filing) -> FiledFigure {
    let under = given(filing.current_liabilities, "current liabilities");
    ratio(given(filing.current_assets, "current assets"), under, "current liabilities")
}

fn shares(filing: &Filing) -> FiledFigure {
    given(filing.diluted_shares, "diluted shares")
}

fn gross_margin(filing: &Filing) -> FiledFigure {
    ratio(given(filing.gross_profit, "gross profit"), given(filing.revenue, "revenue"), "revenue")
}

fn turnover(filing: &Filing) -> FiledFigure {
    ratio(given(filing.revenue, "revenue"), assets(filing), "assets")
}
