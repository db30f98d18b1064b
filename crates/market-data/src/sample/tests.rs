use sha2::{Digest, Sha256};

use super::*;

fn sample(ticker: &str) -> Arc<Snapshot> {
    snapshot(ticker.parse().unwrap()).unwrap()
}

#[test]
fn the_five_symbols_have_the_bars_of_the_source() {
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
    assert!(snapshot("TSLA".parse().unwrap()).is_err());
    assert!(Arc::ptr_eq(&sample("aapl"), &sample("AAPL")));
}

#[test]
fn the_total_return_of_apple_equals_that_of_empyrical() {
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
            let step = adjusted.close[at - 1] / adjusted.close[at];
            assert!((step - 1.0).abs() < 0.1, "{} {first_date} {step}", company.ticker);
            let ratio = |at: usize| adjusted.volume[at] / raw.volume[at];
            assert_eq!(ratio(at - 1) / ratio(at), *shares, "{} {first_date}", company.ticker);
        }
        assert_eq!(adjusted.volume.last(), raw.volume.last());
    }
}

#[test]
fn prices_are_as_filed_since_the_last_corporate_action_and_bars_are_marked_as_a_sample() {
    // First day without the last dividend of the sample: AAPL 2013-02-07, IBM 2013-02-06, MSFT 2013-02-19, in the source's
    // adjusted closes. FB and GOOG have paid none.
    for (ticker, since) in [
        ("AAPL", "2013-02-07"),
        ("IBM", "2013-02-06"),
        ("MSFT", "2013-02-19"),
        ("FB", "2012-05-18"),
        ("GOOG", "2004-08-19"),
    ] {
        let snapshot = sample(ticker);
        assert!(snapshot.is_sample());
        let (raw, adjusted) = (snapshot.history.raw().view(), snapshot.history.adjusted().view());
        let at = raw.position_since(since.parse().unwrap());
        let (raw_since, adjusted_since) = (raw.from(at), adjusted.from(at));
        for (raw, adjusted) in [
            (raw_since.open, adjusted_since.open),
            (raw_since.high, adjusted_since.high),
            (raw_since.low, adjusted_since.low),
            (raw_since.close, adjusted_since.close),
        ] {
            assert_eq!(raw, adjusted, "{ticker}");
        }
        assert!(at == 0 || raw.close[at - 1] > adjusted.close[at - 1], "{ticker}");
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

/// Name, size in bytes and SHA-256 of each file, from the table of SOURCES.md.
fn checksums() -> Vec<(&'static str, usize, &'static str)> {
    let sources = include_str!("../../sample/SOURCES.md");
    let rows = sources.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (name, size, sum) = (cells.next()?, cells.next()?, cells.next()?);
        Some((name.strip_suffix('`')?, size.parse().ok()?, sum.strip_prefix('`')?.strip_suffix("` |")?))
    });
    rows.collect()
}

#[test]
fn the_files_match_sources_md() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let checksums = checksums();
    for (name, size, sum) in &checksums {
        let content = std::fs::read(folder.join(name)).unwrap();
        let sum_hex = hex::encode(Sha256::digest(&content));
        assert_eq!((content.len(), sum_hex.as_str()), (*size, *sum), "{name}");
    }
    let mut names: Vec<_> = checksums.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let mut present: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "SOURCES.md" && !name.starts_with("__"))
        .collect();
    names.sort();
    present.sort();
    assert_eq!(names, present);
}

#[test]
fn filings_were_public_by_the_newest_bar_and_add_up() {
    for company in &COMPANIES {
        let snapshot = sample(company.ticker);
        assert_eq!(snapshot.filings.len(), 2, "{}", company.ticker);
        for filing in snapshot.filings.iter() {
            let year = filing.fiscal_year.unwrap();
            assert!(filing.filing_date.unwrap() <= snapshot.as_of, "{} {year}", company.ticker);
            assert!(filing.start_date < filing.end_date && filing.end_date < filing.filing_date);
            if let (Some(assets), Some(liabilities), Some(equity)) =
                (filing.assets, filing.liabilities, filing.equity)
            {
                assert_eq!(assets, liabilities + equity, "{} {year}", company.ticker);
            }
            if let (Some(revenue), Some(cost), Some(gross)) =
                (filing.revenue, filing.cost_of_revenue, filing.gross_profit)
            {
                assert_eq!(gross, revenue - cost, "{} {year}", company.ticker);
            }
            if let (Some(income), Some(shares), Some(per_share)) =
                (filing.net_income, filing.diluted_shares, filing.eps_diluted)
            {
                assert!((income / shares - per_share).abs() < 0.006, "{} {year}", company.ticker);
            }
        }
    }
}

#[test]
fn earnings_as_filed_match_the_price_as_traded() {
    // Close 430.47 of 2013-03-01 over diluted earnings of 44.15: 9.75.
    let snapshot = sample("AAPL");
    let close = *snapshot.history.raw().view().close.last().unwrap();
    let ratio = close / snapshot.filings[0].eps_diluted.unwrap();
    assert!((ratio - 9.75).abs() < 0.005, "{ratio}");
}
