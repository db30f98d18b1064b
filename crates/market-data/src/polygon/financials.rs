//! Filings, mapped by name from the vendor's statements; absent lines stay absent.

use domain::{Filing, FilingPeriod, Symbol};

use super::client::CallError;
use super::fetch::Fetch;
use super::wire::{Financial, Results, Statement, Statements};

/// Filings to fetch: five years with their quarters and trailing twelve months fit.
const FILINGS: &str = "50";
/// Longer references are dropped.
const REFERENCE_BYTES_MAX: usize = 40;

impl Fetch {
    pub(super) async fn filings(&self, symbol: Symbol) -> Result<Vec<Filing>, CallError> {
        let query = [
            ("ticker", symbol.as_str()),
            ("limit", FILINGS),
            ("sort", "period_of_report_date"),
            ("order", "desc"),
        ];
        let url = self.client.url(&["vX", "reference", "financials"], &query);
        let Results { results } = self.get::<Results<Vec<Financial>>>(url, |_| Ok(true)).await?.value;
        Ok(results.unwrap_or_default().into_iter().map(filing).collect())
    }
}

fn filing(wire: Financial) -> Filing {
    let Statements { balance_sheet, income_statement, cash_flow_statement } = wire.financials;
    let date = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let (balance, income, cash) = (&balance_sheet, &income_statement, &cash_flow_statement);
    Filing {
        period: period(wire.timeframe.as_deref(), wire.fiscal_period.as_deref()),
        fiscal_year: wire.fiscal_year.and_then(|year| year.parse().ok()),
        start_date: date(wire.start_date),
        end_date: date(wire.end_date),
        filing_date: date(wire.filing_date),
        reference: wire.source_filing_url.as_deref().and_then(accession_number),
        revenue: line(income, &["revenues"]),
        cost_of_revenue: line(income, &["cost_of_revenue"]),
        gross_profit: line(income, &["gross_profit"]),
        operating_income: line(income, &["operating_income_loss"]),
        net_income: line(income, &["net_income_loss_attributable_to_parent", "net_income_loss"]),
        eps_basic: line(income, &["basic_earnings_per_share"]),
        eps_diluted: line(income, &["diluted_earnings_per_share"]),
        diluted_shares: line(income, &["diluted_average_shares"]),
        assets: line(balance, &["assets"]),
        current_assets: line(balance, &["current_assets"]),
        cash: line(balance, &["cash"]),
        liabilities: line(balance, &["liabilities"]),
        current_liabilities: line(balance, &["current_liabilities"]),
        long_term_debt: line(balance, &["long_term_debt"]),
        equity: line(balance, &["equity_attributable_to_parent", "equity"]),
        operating_cash_flow: line(cash, &["net_cash_flow_from_operating_activities"]),
        // The vendor reports only the total of all investing.
        capital_expenditure: None,
        depreciation_amortization: line(income, &["depreciation_and_amortization"]),
    }
}

/// The last segment of the vendor's URL, if it is an accession number of the SEC (digits and hyphens). The rest of the URL
/// needs a key, and a query must not be published.
fn accession_number(url: &str) -> Option<String> {
    let last = url.rsplit('/').next()?;
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (is_number && !last.is_empty() && last.len() <= REFERENCE_BYTES_MAX).then(|| last.to_owned())
}

/// The first of these lines that has a finite value.
fn line(statement: &Statement, names: &[&str]) -> Option<f64> {
    names.iter().find_map(|name| statement.get(*name)?.value).filter(|value| value.is_finite())
}

fn period(timeframe: Option<&str>, fiscal_period: Option<&str>) -> Option<FilingPeriod> {
    match (timeframe, fiscal_period) {
        (Some("annual"), _) | (None, Some("FY")) => Some(FilingPeriod::Annual),
        (Some("quarterly"), _) | (None, Some("Q1" | "Q2" | "Q3" | "Q4")) => Some(FilingPeriod::Quarterly),
        (Some("ttm"), _) | (None, Some("TTM")) => Some(FilingPeriod::TrailingTwelveMonths),
        (Some(_) | None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_mapped_by_name_and_absent_lines_stay_absent() {
        let wire = r#"{"start_date":"2011-09-25","end_date":"2012-09-29","filing_date":"2012-10-31",
            "fiscal_period":"FY","fiscal_year":"2012","timeframe":"annual","cik":"0000320193",
            "source_filing_url":"https://api.polygon.io/v1/reference/sec/filings/0001193125-12-444068","financials":{
            "income_statement":{"revenues":{"value":156508000000,"unit":"USD","label":"Revenues","order":100},
              "diluted_earnings_per_share":{"value":44.15,"unit":"USD / shares"}},
            "balance_sheet":{"equity":{"value":118210000000.0},"assets":{"unit":"USD"}},
            "comprehensive_income":{"x":{"value":1}}}}"#;
        let filing = filing(serde_json::from_str(wire).unwrap());
        assert_eq!(
            filing,
            Filing {
                period: Some(FilingPeriod::Annual),
                fiscal_year: Some(2012),
                start_date: Some("2011-09-25".parse().unwrap()),
                end_date: Some("2012-09-29".parse().unwrap()),
                filing_date: Some("2012-10-31".parse().unwrap()),
                reference: Some("0001193125-12-444068".to_owned()),
                revenue: Some(156_508e6),
                eps_diluted: Some(44.15),
                equity: Some(118_210e6),
                ..Filing::default()
            }
        );
    }

    #[test]
    fn only_accession_numbers_are_extracted_from_urls() {
        for (url, expected) in [
            (
                "https://api.massive.com/v1/reference/sec/filings/0001193125-12-444068",
                Some("0001193125-12-444068"),
            ),
            ("https://api.massive.com/v1/filings/0001193125-12-444068?apiKey=k", None),
            ("https://api.massive.com/v1/filings/<b>", None),
            ("https://api.massive.com/v1/filings/", None),
            ("", None),
        ] {
            assert_eq!(accession_number(url).as_deref(), expected, "{url}");
        }
    }
}
