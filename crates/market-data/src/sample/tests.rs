use super::*;

fn sample(ticker: &str) -> Arc<Snapshot> {
    snapshot(&ticker.parse().unwrap()).unwrap()
}

#[test]
fn the_five_symbols_have_the_bars_that_the_source_counts() {
    // Rows by ticker in stocks.csv.gz of bokeh-sampledata 2026.1.
    for (ticker, count, first) in [
        ("AAPL", 3270, "2000-03-01"),
        ("FB", 196, "2012-05-18"),
        ("GOOG", 2148, "2004-08-19"),
        ("IBM", 3270, "2000-03-01"),
        ("MSFT", 3270, "2000-03-01"),
    ] {
        let snapshot = sample(ticker);
        let bars = snapshot.history.raw().view();
        assert_eq!((bars.len(), bars.date[0].to_string().as_str()), (count, first), "{ticker}");
        assert_eq!(snapshot.as_of.to_string(), "2013-03-01");
        assert_eq!(snapshot.history.adjusted().view().close.last(), bars.close.last(), "{ticker}");
    }
    assert!(snapshot(&"TSLA".parse().unwrap()).is_none());
}

#[test]
fn total_return_of_apple_is_that_of_empyrical() {
    let snapshot = sample("AAPL");
    let close = snapshot.history.adjusted().view().close;
    let total = close[close.len() - 1] / close[0] - 1.0;
    // empyrical-reloaded 0.7.1 cum_returns_final over adj_close.
    assert!((total - 12.408_615_817_9).abs() < 1e-9, "{total}");
}

#[test]
fn a_split_halves_the_raw_price_and_doubles_earlier_volume() {
    for company in &COMPANIES {
        let snapshot = sample(company.ticker);
        let (raw, adjusted) = (snapshot.history.raw().view(), snapshot.history.adjusted().view());
        for (first_date, shares) in company.splits {
            let at = raw.position_since(first_date.parse().unwrap());
            let step = raw.close[at - 1] / raw.close[at];
            assert!((step / shares - 1.0).abs() < 0.1, "{} {first_date} {step}", company.ticker);
            let moved = adjusted.close[at - 1] / adjusted.close[at];
            assert!((moved - 1.0).abs() < 0.1, "{} {first_date} {moved}", company.ticker);
            let ratio = |at: usize| adjusted.volume[at] / raw.volume[at];
            assert_eq!(ratio(at - 1) / ratio(at), *shares, "{} {first_date}", company.ticker);
        }
        assert_eq!(adjusted.volume.last(), raw.volume.last());
    }
}

#[test]
fn no_day_moves_by_more_than_half_once_adjusted() {
    for company in &COMPANIES {
        let snapshot = sample(company.ticker);
        let close = snapshot.history.adjusted().view().close;
        let worst = close.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).fold(0.0, f64::max);
        // AAPL fell by 51.9 % on 2000-09-29 (profit warning): the largest of the sample.
        assert!(worst < 0.52, "{} {worst}", company.ticker);
    }
}

#[test]
fn market_and_rate_cover_the_sample() {
    let first: Date = "2000-03-01".parse().unwrap();
    let benchmark = benchmark();
    let at = |date: &str| benchmark.returns.dates().binary_search(&date.parse().unwrap()).unwrap();
    // One line of SPY_benchmark.csv of zipline-reloaded 3.2.1.
    assert_eq!(benchmark.returns.values()[at("2013-03-01")], SPY_LAST);
    assert!(benchmark.returns.dates()[0] < first);
    // treasury_curves.csv, 2013-03-01, column 3month.
    assert_eq!(risk_free().as_of("2013-03-01".parse().unwrap()), Some(RATE_LAST));
    assert!(risk_free().as_of(first).is_some());
}

/// Line 2013-03-01 of SPY_benchmark.csv.
const SPY_LAST: f64 = 0.003_297_935_492_381_665;
/// Line 2013-03-01 of treasury_curves.csv.
const RATE_LAST: f64 = 0.0011;
