//! Ratios by hand from figures as filed.

use domain::{Bars, BarsView, Date, Filing, FilingPeriod, RawBar, Symbol};

use super::*;
use crate::Status;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn bar(day: &str, close: f64) -> Bars {
    let bar = RawBar { date: date(day), open: close, high: close, low: close, close, volume: 1.0 };
    Bars::from_raw([bar]).0
}

fn engine(raw: BarsView<'_>, filings: &[Filing]) -> Engine<Fundamental> {
    let symbol: Symbol = "AAPL".parse().unwrap();
    // Adjusted bars of the same date: a price that no ratio may use.
    let adjusted = bar(&raw.date[0].to_string(), 56.14);
    fundamental(&AnalysisInput { filings, ..AnalysisInput::daily(&symbol, adjusted.view(), raw) })
}

/// Apple's annual report for fiscal 2012, SEC 0001193125-12-444068.
fn aapl_2012() -> Filing {
    Filing {
        period: Some(FilingPeriod::Annual),
        fiscal_year: Some(2012),
        start_date: Some(date("2011-09-25")),
        end_date: Some(date("2012-09-29")),
        filing_date: Some(date("2012-10-31")),
        reference: Some("0001193125-12-444068".to_owned()),
        revenue: Some(156_508e6),
        net_income: Some(41_733e6),
        eps_diluted: Some(44.15),
        diluted_shares: Some(945_355e3),
        ..Filing::default()
    }
}

/// Round figures a year apart, so that every ratio is easy to check.
fn two_years() -> [Filing; 2] {
    let current = Filing {
        period: Some(FilingPeriod::Annual),
        end_date: Some(date("2012-12-31")),
        filing_date: Some(date("2013-02-01")),
        revenue: Some(200.0),
        cost_of_revenue: Some(120.0),
        gross_profit: Some(80.0),
        operating_income: Some(40.0),
        net_income: Some(30.0),
        eps_diluted: Some(3.0),
        diluted_shares: Some(10.0),
        assets: Some(300.0),
        current_assets: Some(90.0),
        cash: Some(50.0),
        current_liabilities: Some(60.0),
        long_term_debt: Some(40.0),
        equity: Some(160.0),
        operating_cash_flow: Some(45.0),
        capital_expenditure: Some(15.0),
        depreciation_amortization: Some(10.0),
        ..Filing::default()
    };
    let prior = Filing {
        end_date: Some(date("2011-12-31")),
        filing_date: Some(date("2012-02-01")),
        revenue: Some(160.0),
        gross_profit: Some(60.0),
        net_income: Some(20.0),
        eps_diluted: Some(2.0),
        assets: Some(280.0),
        current_assets: Some(70.0),
        equity: Some(140.0),
        ..current.clone()
    };
    [prior, current]
}

fn close_to(figure: crate::Figure, expected: f64) {
    let got = figure.value().unwrap_or_else(|| panic!("absent: {:?}", figure.absence()));
    assert!((got - expected).abs() < 1e-12 * expected.abs().max(1.0), "{got} is not {expected}");
}

#[test]
fn apple_costs_9_75_times_its_earnings_at_the_raw_close() {
    let raw = bar("2013-03-01", 430.47);
    let metrics = engine(raw.view(), &[aapl_2012()]).metrics.unwrap();
    // 430.47 / 44.15 = 9.7502; 56.14 / 44.15 = 1.27 would be the adjusted close's nonsense.
    close_to(metrics.pe_ratio, 430.47 / 44.15);
    assert_eq!(format!("{:.2}", metrics.pe_ratio.value().unwrap()), "9.75");
    // 430.47 * 945.355 M / 156 508 M = 2.6002; 41 733 / 156 508 = 0.26665.
    close_to(metrics.ps_ratio, 430.47 * 945_355e3 / 156_508e6);
    assert_eq!(format!("{:.5}", metrics.profit_margin.value().unwrap()), "0.26665");
    assert_eq!(metrics.ev_ebitda.absence(), Some(Absence::Missing { what: "long-term debt" }));
    assert_eq!(metrics.roe.absence(), Some(Absence::Missing { what: "equity" }));
}

#[test]
fn a_split_since_the_filing_is_undone() {
    let symbol: Symbol = "AAPL".parse().unwrap();
    // 2 for 1 between the filing on 2012-10-31 and the newest bar: half the price, and the same ratios.
    let (before, after) = (bar("2012-10-31", 430.47), bar("2013-03-01", 215.235));
    let levels = Bars::from_raw([before.view().bar(0), after.view().bar(0)]).0;
    let daily = AnalysisInput::daily(&symbol, after.view(), after.view());
    let with = |shares: &[f64]| {
        let input = AnalysisInput { filings: &[aapl_2012()], levels: levels.view(), shares, ..daily };
        fundamental(&input).metrics.unwrap()
    };
    let split = with(&[2.0, 1.0]);
    close_to(split.pe_ratio, 430.47 / 44.15);
    close_to(split.ps_ratio, 430.47 * 945_355e3 / 156_508e6);
    // A split on the day of the filing or before it is in its figures already.
    close_to(with(&[1.0, 1.0]).pe_ratio, 215.235 / 44.15);
}

#[test]
fn a_split_between_two_filings_is_undone() {
    let symbol: Symbol = "AAPL".parse().unwrap();
    let [prior, current] = two_years();
    // 3 for 1 between the filings of 2012-02-01 and 2013-02-01: the later one has a third of the EPS, and three times the shares.
    let after = Filing { eps_diluted: Some(1.0), diluted_shares: Some(30.0), ..current };
    let levels = Bars::from_raw(
        [("2012-02-01", 48.0), ("2013-02-01", 16.0), ("2013-03-01", 16.0)]
            .map(|(day, close)| bar(day, close).view().bar(0)),
    );
    let newest = levels.0.view().from(2);
    let input = AnalysisInput {
        filings: &[prior, after],
        levels: levels.0.view(),
        shares: &[3.0, 1.0, 1.0],
        ..AnalysisInput::daily(&symbol, newest, newest)
    };
    let metrics = fundamental(&input).metrics.unwrap();
    close_to(metrics.eps_growth, 0.5);
    close_to(metrics.pe_ratio, 16.0);
    // Without the split the number of shares is the same, so that the seventh test is passed.
    assert_eq!(metrics.piotroski_criteria[6].passed, Some(true));
}

#[test]
fn a_filing_counts_from_the_day_it_is_public() {
    let (eve, day) = (bar("2012-10-30", 604.0), bar("2012-10-31", 595.32));
    assert_eq!(engine(eve.view(), &[aapl_2012()]).status, Status::Unavailable);
    assert_eq!(engine(day.view(), &[aapl_2012()]).status, Status::Available);
    let metrics = engine(bar("2013-01-31", 50.0).view(), &two_years()).metrics.unwrap();
    assert_eq!(metrics.period_end, date("2011-12-31"), "the year 2012 is filed a day later");
}

#[test]
fn every_ratio_of_two_round_years() {
    let raw = bar("2013-03-01", 50.0);
    let metrics = engine(raw.view(), &two_years()).metrics.unwrap();
    close_to(metrics.pb_ratio, 500.0 / 160.0);
    close_to(metrics.ev_ebitda, (500.0 + 40.0 - 50.0) / (40.0 + 10.0));
    close_to(metrics.roe, 30.0 / 150.0);
    close_to(metrics.gross_margin, 0.4);
    close_to(metrics.operating_margin, 0.2);
    close_to(metrics.debt_to_equity, 0.25);
    close_to(metrics.current_ratio, 1.5);
    close_to(metrics.free_cash_flow, 30.0);
    close_to(metrics.fcf_yield, 0.06);
    close_to(metrics.revenue_growth, 0.25);
    close_to(metrics.eps_growth, 0.5);
    // ROA 0.1 > 0; cash 45 > 0; ROA 0.1 > 0.071; cash > income; 40/300 <= 40/280; 1.5 > 1.17; shares equal;
    // margin 0.4 > 0.375; turnover 0.667 > 0.571.
    close_to(metrics.piotroski_f_score, 9.0);
}

#[test]
fn a_denominator_that_is_not_positive_gives_no_ratio() {
    let [prior, mut current] = two_years();
    (current.eps_diluted, current.equity) = (Some(-1.0), Some(0.0));
    let engine = engine(bar("2013-03-01", 50.0).view(), &[prior, current]);
    let metrics = engine.metrics.unwrap();
    assert_eq!(metrics.pe_ratio.absence(), Some(Absence::DenominatorNotPositive { what: "diluted EPS" }));
    assert_eq!(metrics.pb_ratio.absence(), Some(Absence::DenominatorNotPositive { what: "equity" }));
    // A loss is no ratio, but it votes: -1 / 50 lies a full vote below the middle.
    assert_eq!(engine.drivers[0].metric, "earnings_yield");
    assert!((engine.drivers[0].score + 1.0).abs() < 1e-12);
}

#[test]
fn piotroski_is_absent_and_names_the_missing_input() {
    let [prior, mut current] = two_years();
    current.long_term_debt = None;
    let metrics = engine(bar("2013-03-01", 50.0).view(), &[prior, current]).metrics.unwrap();
    assert_eq!(metrics.piotroski_f_score.absence(), Some(Absence::Missing { what: "long-term debt" }));
    let computable = metrics.piotroski_criteria.iter().filter(|test| test.passed.is_some()).count();
    assert_eq!((computable, metrics.piotroski_criteria[4].passed), (8, None));
}

#[test]
fn the_later_of_two_filings_of_one_period_counts() {
    let [_, first] = two_years();
    let amended = Filing { filing_date: Some(date("2013-02-20")), eps_diluted: Some(2.5), ..first.clone() };
    let metrics = engine(bar("2013-03-01", 50.0).view(), &[amended, first]).metrics.unwrap();
    close_to(metrics.pe_ratio, 20.0);
}
