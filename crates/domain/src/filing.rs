//! Financial figures that a company filed for one period.

use serde::{Deserialize, Serialize};

use crate::Date;

/// What period a filing reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilingPeriod {
    /// A fiscal year.
    Annual,
    /// A fiscal quarter.
    Quarterly,
    /// The four quarters that end with `end_date`.
    TrailingTwelveMonths,
}

/// One filing. Money is in whole units of the reporting currency. Every figure is optional; a missing figure is never
/// treated as zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filing {
    /// Kind of the period.
    pub period: Option<FilingPeriod>,
    /// Fiscal year's label, such as `2012`.
    pub fiscal_year: Option<i16>,
    /// First day of the period.
    pub start_date: Option<Date>,
    /// Last day of the period.
    pub end_date: Option<Date>,
    /// Day on which the figures became public: only filings with `filing_date <= as of` count.
    pub filing_date: Option<Date>,
    /// Source document, such as an SEC accession number.
    pub reference: Option<String>,
    /// Net sales.
    pub revenue: Option<f64>,
    /// Cost of sales.
    pub cost_of_revenue: Option<f64>,
    /// Revenue less cost of sales.
    pub gross_profit: Option<f64>,
    /// Operating income.
    pub operating_income: Option<f64>,
    /// Net income.
    pub net_income: Option<f64>,
    /// Basic earnings per share, as filed (not adjusted for later splits).
    pub eps_basic: Option<f64>,
    /// Diluted earnings per share, as filed (not adjusted for later splits).
    pub eps_diluted: Option<f64>,
    /// Weighted average diluted shares.
    pub diluted_shares: Option<f64>,
    /// Total assets.
    pub assets: Option<f64>,
    /// Assets that turn to cash within a year.
    pub current_assets: Option<f64>,
    /// Cash and cash equivalents.
    pub cash: Option<f64>,
    /// Total liabilities.
    pub liabilities: Option<f64>,
    /// Liabilities due within a year.
    pub current_liabilities: Option<f64>,
    /// Borrowings due after a year.
    pub long_term_debt: Option<f64>,
    /// Shareholders' equity.
    pub equity: Option<f64>,
    /// Net cash from operating activities.
    pub operating_cash_flow: Option<f64>,
    /// Payments for property, plant and equipment, as a positive figure.
    pub capital_expenditure: Option<f64>,
    /// Depreciation and amortisation.
    pub depreciation_amortization: Option<f64>,
}
