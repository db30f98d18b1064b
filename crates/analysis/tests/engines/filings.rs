//! Ratios of the bundled companies on the last day of the sample, by hand from filed figures and raw closes.

use std::collections::BTreeMap;

use analysis::fundamental::{Fundamental, fundamental};
use analysis::{AnalysisInput, Figure};
use domain::{Filing, FilingPeriod};

use crate::sample;

fn filings() -> BTreeMap<String, Vec<Filing>> {
    serde_json::from_str(include_str!("../../../market-data/sample/filings.json")).unwrap()
}

fn ratios(name: &str) -> Fundamental {
    let filings = filings();
    let histories = sample::histories();
    let history = histories.iter().find(|history| history.symbol().as_str() == name).unwrap();
    let daily = AnalysisInput::daily(history.symbol(), history.adjusted().view(), history.raw().view());
    fundamental(&AnalysisInput { filings: &filings[name], ..daily }).metrics.unwrap()
}

fn to_two_decimals(figure: &Figure) -> String {
    format!("{:.2}", figure.value().unwrap())
}

#[test]
fn price_to_earnings_takes_the_close_as_traded() {
    // Close on 2013-03-01 over diluted EPS of fiscal 2012.
    for (name, close, eps, expected) in [
        ("AAPL", 430.47, 44.15, "9.75"),
        ("GOOG", 806.19, 32.31, "24.95"),
        ("IBM", 202.91, 14.37, "14.12"),
        ("MSFT", 27.95, 2.00, "13.97"),
    ] {
        assert_eq!(format!("{:.2}", close / eps), expected);
        assert_eq!(to_two_decimals(&ratios(name).pe_ratio), expected, "{name}");
    }
}

#[test]
fn growth_and_margin_are_those_of_the_reports() {
    let aapl = ratios("AAPL");
    assert_eq!((aapl.basis, aapl.fiscal_year), (FilingPeriod::Annual, Some(2012)));
    // 156,508 / 108,249 - 1 = 44.6 %; 41,733 / 156,508 = 26.7 %; 68,662 / 156,508 = 43.9 %; 44.15 / 27.68 - 1 = 59.5 %.
    assert_eq!(to_two_decimals(&aapl.revenue_growth), "0.45");
    assert_eq!(to_two_decimals(&aapl.profit_margin), "0.27");
    assert_eq!(to_two_decimals(&aapl.gross_margin), "0.44");
    assert_eq!(to_two_decimals(&aapl.eps_growth), "0.60");
    // 10,737 / mean(71,715, 58,145) = 16.5 %.
    assert_eq!(to_two_decimals(&ratios("GOOG").roe), "0.17");
}
