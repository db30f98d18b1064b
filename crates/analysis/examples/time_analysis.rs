//! Microseconds for an analysis of bundled bars with windows of several lengths, for its parts, and for writing it as JSON, by `json_writer` and `serde_json`.
//!
//! ```sh
//! cargo run --release -p analysis --example time_analysis
//! ```

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the run where it is read")]
#![expect(clippy::print_stdout, reason = "it exists to print its measurement")]

use std::hint::black_box;
use std::time::Instant;

use analysis::fundamental::fundamental;
use analysis::quantitative::quantitative;
use analysis::technical::technical;
use analysis::{AnalysisInput, Benchmark, Models, RecursiveIndicators, analyze};
use domain::{Date, Filing, FilingPeriod};

#[path = "../tests/engines/sample.rs"]
mod sample;

/// Number of calls for a median.
const RUNS: usize = 2_001;

fn main() {
    let histories = sample::histories();
    let aapl = histories.iter().find(|history| history.symbol().as_str() == "AAPL").unwrap();
    let (market, rate) = (sample::market(), sample::rate());
    let models = Models::bundled().unwrap();
    let filings = [filing()];
    let (bars, raw) = (aapl.adjusted().view(), aapl.raw().view());
    // Known for as long as the bars do not change, as in the service.
    let indicators = RecursiveIndicators::new(bars);
    show("recursive indicators", || RecursiveIndicators::new(bars));
    for count in [252, 500, 2_520] {
        let input = AnalysisInput {
            window_start: aapl.raw().len() - count,
            indicators: Some(&indicators),
            benchmark: Some(Benchmark { name: "SPY", returns: &market }),
            risk_free: Some(&rate),
            filings: &filings,
            now_unix_s: 1_362_160_800,
            ..AnalysisInput::daily(aapl.symbol(), bars, raw)
        };
        let analysis = analyze(&input, &models);
        let bytes = serde_json::to_vec(&analysis).unwrap().len();
        println!("{count} bars, {bytes} bytes of JSON");
        show("analyze", || analyze(&input, &models));
        show("  technical", || technical(&input));
        show("  quantitative", || quantitative(&input));
        show("  fundamental", || fundamental(&input));
        show("  volatility model", || models.volatility.forecast(&input));
        show("  fall-risk model", || models.fall_risk.estimate(&input));
        let mut buffer = Vec::with_capacity(2 * bytes);
        show("write JSON", || {
            buffer.clear();
            json_writer::write(&mut buffer, &analysis).unwrap();
            buffer.len()
        });
        show("  by serde_json", || {
            buffer.clear();
            serde_json::to_writer(&mut buffer, &analysis).unwrap();
            buffer.len()
        });
        println!("{:20} {:>9} bytes on the stack\n", "", size_of_val(&analysis));
    }
}

fn show<T>(name: &str, mut work: impl FnMut() -> T) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:20} {:>9.2} µs", times[RUNS / 2]);
}

/// Apple's annual report for fiscal 2012, in part.
fn filing() -> Filing {
    let date = |text: &str| text.parse::<Date>().ok();
    Filing {
        period: Some(FilingPeriod::Annual),
        end_date: date("2012-09-29"),
        filing_date: date("2012-10-31"),
        revenue: Some(156_508e6),
        net_income: Some(41_733e6),
        eps_diluted: Some(44.15),
        diluted_shares: Some(945_355e3),
        ..Filing::default()
    }
}
