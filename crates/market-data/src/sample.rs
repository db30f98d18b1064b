//! The bundled sample: real prices and filings of five companies until 2013-03-01, compiled into the program.
//!
//! `sample/SOURCES.md` documents the origin, the licence and the gaps of each file. The sample has no news, because no news
//! may be redistributed.

mod filings;
mod packed;

use std::sync::{Arc, LazyLock, OnceLock};

use domain::{Bars, Date, DatedValues, History, PriceBasis, RawBar, Symbol};

use crate::Quality;
use crate::price_factors::price_factors;
pub(crate) use crate::snapshot::SAMPLE as DATA_SOURCE;
use crate::snapshot::{AbsentPart, Benchmark, Freshness, Part, Snapshot, SymbolListing};

/// The market of the sample: the SPDR S&P 500 trust.
const BENCHMARK: &str = "SPY";

const NOTES: [&str; 2] = [
    "prices end on 2013-03-01",
    "five companies that are still large: every statistic over them flatters (survivorship)",
];

struct Company {
    ticker: &'static str,
    name: &'static str,
    bars: &'static [u8],
    /// First date at the new price, and new shares for one old share.
    splits: &'static [(&'static str, f64)],
}

static COMPANIES: [Company; 5] = [
    Company {
        ticker: "AAPL",
        name: "Apple Inc.",
        bars: include_bytes!("../sample/AAPL.bars"),
        splits: &[("2000-06-21", 2.0), ("2005-02-28", 2.0)],
    },
    Company { ticker: "FB", name: "Facebook, Inc.", bars: include_bytes!("../sample/FB.bars"), splits: &[] },
    Company { ticker: "GOOG", name: "Google Inc.", bars: include_bytes!("../sample/GOOG.bars"), splits: &[] },
    Company {
        ticker: "IBM",
        name: "International Business Machines Corporation",
        bars: include_bytes!("../sample/IBM.bars"),
        splits: &[],
    },
    Company {
        ticker: "MSFT",
        name: "Microsoft Corporation",
        bars: include_bytes!("../sample/MSFT.bars"),
        splits: &[("2003-02-18", 2.0)],
    },
];

/// One cell per company, unpacked by its first caller.
static SNAPSHOTS: [OnceLock<Arc<Snapshot>>; COMPANIES.len()] = [const { OnceLock::new() }; COMPANIES.len()];

/// The data of one of the five companies; else the symbols that differ in case alone.
pub(crate) fn snapshot(symbol: Symbol) -> Result<Arc<Snapshot>, Vec<Symbol>> {
    let symbol = symbol.resolve(symbols().iter().map(|listing| listing.symbol))?;
    let at = COMPANIES.iter().position(|company| company.ticker == symbol.as_str()).ok_or_else(Vec::new)?;
    Ok(SNAPSHOTS[at].get_or_init(|| Arc::new(unpack(&COMPANIES[at], symbol))).clone())
}

pub(crate) fn symbols() -> Vec<SymbolListing> {
    let listing = |company: &Company| {
        let symbol = company.ticker.parse().ok()?;
        Some(SymbolListing { symbol, name: Some(company.name.into()) })
    };
    COMPANIES.iter().filter_map(listing).collect()
}

/// Daily total returns of the market, 2000-02-01 to 2013-03-01.
pub(crate) fn benchmark() -> Arc<Benchmark> {
    static BENCHMARK_RETURNS: LazyLock<Arc<Benchmark>> = LazyLock::new(|| {
        let returns = packed::series(include_bytes!("../sample/spy_returns.bin"));
        Arc::new(Benchmark::new(BENCHMARK, returns, PriceBasis::SplitDividend))
    });
    BENCHMARK_RETURNS.clone()
}

/// The annual rate of 3-month Treasury bills, as a fraction, 2000-02-01 to 2013-03-01.
pub(crate) fn risk_free() -> Arc<DatedValues> {
    static RATE: LazyLock<Arc<DatedValues>> =
        LazyLock::new(|| Arc::new(packed::series(include_bytes!("../sample/treasury_3_month.bin"))));
    RATE.clone()
}

fn unpack(company: &Company, symbol: Symbol) -> Snapshot {
    let packed = packed::bars(company.bars);
    let (closes, adj_closes): (Vec<f64>, Vec<f64>) =
        packed.iter().map(|(bar, adj_close)| (bar.close, *adj_close)).unzip();
    let factors = price_factors(&adj_closes, &closes);
    let volumes: Vec<f64> = packed.iter().map(|(bar, _)| volume_factor(company, bar)).collect();
    let (bars, refused) = Bars::from_raw(packed.into_iter().map(|(bar, _)| bar));
    assert!(refused.is_empty(), "every bundled bar is consistent");
    let as_of = *bars.view().date.last().expect("every bundled symbol has bars");
    let history = History::adjusted_by(symbol, bars, &factors, &volumes);
    let filings: Arc<[_]> = filings::for_ticker(company.ticker).into();
    let missing = [AbsentPart { part: Part::News, error: None }];
    Snapshot {
        version: Snapshot::compute_version(&history, Some(company.name), &filings, None, &missing),
        history: Arc::new(history),
        name: Some(company.name.into()),
        filings,
        news: None,
        missing: missing.into(),
        quality: Arc::new(Quality::new(Vec::new(), NOTES)),
        mapping: None,
        data_source: DATA_SOURCE,
        as_of,
        fetched_at_unix_ms: None,
        freshness: Freshness::Fresh,
    }
}

/// Today's shares for one share of the bar's day, by the listed splits alone: a dividend changes no share count.
fn volume_factor(company: &Company, bar: &RawBar) -> f64 {
    let later = |first_date: &str| first_date.parse::<Date>().is_ok_and(|first| bar.date < first);
    company.splits.iter().filter(|(first_date, _)| later(first_date)).map(|(_, shares)| shares).product()
}

#[cfg(test)]
mod tests;
