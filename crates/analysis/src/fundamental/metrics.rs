//! Fundamental figures with their definitions.

use domain::{Date, FilingPeriod, PriceBasis};
use serde::Serialize;
use utoipa::ToSchema;

use super::latest_filing::LatestFiling;
use super::piotroski::{Criterion, criteria, f_score};
use super::ratio::{FiledFigure, given, ratio};
use crate::{Figure, Span};

/// Ratios of the newest public period. `basis` says which period flows and per-share figures are for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Fundamental {
    /// `annual` for the last fiscal year, `trailing_twelve_months` for the last four quarters.
    #[schema(value_type = String)]
    pub basis: FilingPeriod,
    /// Label of the fiscal year.
    pub fiscal_year: Option<i16>,
    /// Last day of the period.
    #[schema(value_type = String, format = Date)]
    pub period_end: Date,
    /// Day on which it became public.
    #[schema(value_type = Option<String>, format = Date)]
    pub filing_date: Option<Date>,
    /// Source document, such as an SEC accession number.
    pub reference: Option<String>,
    /// Price over earnings.
    pub pe_ratio: Figure,
    /// Earnings over price.
    pub earnings_yield: Figure,
    /// Price over book value.
    pub pb_ratio: Figure,
    /// Price over sales.
    pub ps_ratio: Figure,
    /// Enterprise value over EBITDA.
    pub ev_ebitda: Figure,
    /// Net income over average equity.
    pub roe: Figure,
    /// Gross profit over revenue.
    pub gross_margin: Figure,
    /// Operating income over revenue.
    pub operating_margin: Figure,
    /// Net income over revenue.
    pub profit_margin: Figure,
    /// Long-term debt over equity.
    pub debt_to_equity: Figure,
    /// Current assets over current liabilities.
    pub current_ratio: Figure,
    /// Operating cash flow less capital expenditure.
    pub free_cash_flow: Figure,
    /// Free cash flow over market value.
    pub fcf_yield: Figure,
    /// Growth of revenue over the year before.
    pub revenue_growth: Figure,
    /// Growth of diluted EPS over the year before.
    pub eps_growth: Figure,
    /// Number of Piotroski's nine tests that are passed; null unless all nine can be computed.
    pub piotroski_f_score: Figure,
    /// The nine tests, profitability first.
    pub piotroski_criteria: [Criterion; 9],
}

impl Fundamental {
    pub(super) fn new(filed: &LatestFiling<'_>, as_of: Date, close: f64) -> Self {
        let LatestFiling { current, period, end_date, prior } = *filed;
        let price_span = Span {
            bars_used: 1,
            first_date: Some(as_of),
            last_date: Some(as_of),
            price_basis: PriceBasis::Raw,
            bars_dropped: 0,
        };
        let no_span = Span { bars_used: 0, first_date: None, last_date: None, ..price_span };
        let at_price = |definition, outcome| Figure::new(definition, price_span, outcome);
        let filed_only = |definition, outcome| Figure::new(definition, no_span, outcome);

        let eps = given(current.eps_diluted, "diluted EPS");
        let revenue = given(current.revenue, "revenue");
        let equity = given(current.equity, "equity");
        let net_income = given(current.net_income, "net income");
        let debt = given(current.long_term_debt, "long-term debt");
        let value = given(current.diluted_shares, "diluted shares").map(|shares| shares * close);
        let free_cash_flow = given(current.operating_cash_flow, "operating cash flow")
            .and_then(|flow| Ok(flow - given(current.capital_expenditure, "capital expenditure")?));
        let gross_profit = given(current.gross_profit, "gross profit").or_else(|absence| {
            let cost = given(current.cost_of_revenue, "cost of revenue").map_err(|_| absence)?;
            Ok(revenue? - cost)
        });
        let enterprise = value.and_then(|value| Ok(value + debt? - given(current.cash, "cash")?));
        let ebitda = given(current.operating_income, "operating income").and_then(|income| {
            Ok(income + given(current.depreciation_amortization, "depreciation and amortisation")?)
        });
        let average_equity =
            equity.and_then(|equity| Ok(f64::midpoint(equity, before(prior, |year| year.equity)?)));

        let criteria = criteria(current, prior);

        Self {
            basis: period,
            fiscal_year: current.fiscal_year,
            period_end: end_date,
            filing_date: current.filing_date,
            reference: current.reference.clone(),
            pe_ratio: at_price(
                "close as traded / diluted EPS, in shares of the filing's day",
                ratio(Ok(close), eps, "diluted EPS"),
            ),
            earnings_yield: at_price(
                "diluted EPS / close as traded, in shares of the filing's day",
                eps.map(|eps| eps / close),
            ),
            pb_ratio: at_price(
                "close * diluted shares / equity, in shares of the filing's day",
                ratio(value, equity, "equity"),
            ),
            ps_ratio: at_price(
                "close * diluted shares / revenue, in shares of the filing's day",
                ratio(value, revenue, "revenue"),
            ),
            ev_ebitda: at_price(
                "(close * diluted shares + long-term debt - cash) / (operating income + depreciation and amortisation)",
                ratio(enterprise, ebitda, "EBITDA"),
            ),
            roe: filed_only(
                "net income / mean of equity at the period's end and a year before",
                ratio(net_income, average_equity, "average equity"),
            ),
            gross_margin: filed_only("gross profit / revenue", ratio(gross_profit, revenue, "revenue")),
            operating_margin: filed_only(
                "operating income / revenue",
                ratio(given(current.operating_income, "operating income"), revenue, "revenue"),
            ),
            profit_margin: filed_only("net income / revenue", ratio(net_income, revenue, "revenue")),
            debt_to_equity: filed_only("long-term debt / equity", ratio(debt, equity, "equity")),
            current_ratio: filed_only(
                "current assets / current liabilities",
                ratio(
                    given(current.current_assets, "current assets"),
                    given(current.current_liabilities, "current liabilities"),
                    "current liabilities",
                ),
            ),
            free_cash_flow: filed_only("operating cash flow - capital expenditure", free_cash_flow),
            fcf_yield: at_price(
                "(operating cash flow - capital expenditure) / (close * diluted shares)",
                ratio(free_cash_flow, value, "market value"),
            ),
            revenue_growth: filed_only(
                "revenue / revenue of the year before - 1",
                ratio(revenue, before(prior, |year| year.revenue), "revenue of the year before")
                    .map(|ratio| ratio - 1.0),
            ),
            eps_growth: filed_only(
                "diluted EPS / diluted EPS of the year before - 1, both as filed but for splits",
                ratio(eps, before(prior, |year| year.eps_diluted), "diluted EPS of the year before")
                    .map(|ratio| ratio - 1.0),
            ),
            piotroski_f_score: filed_only(
                "Piotroski's tests passed of nine; ratios to assets at the period's end",
                f_score(&criteria),
            ),
            piotroski_criteria: criteria,
        }
    }
}

fn before(
    prior: Option<&domain::Filing>,
    figure: impl FnOnce(&domain::Filing) -> Option<f64>,
) -> FiledFigure {
    given(prior.and_then(figure), "figure of the year before")
}
