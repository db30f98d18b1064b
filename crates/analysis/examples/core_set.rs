//! Microseconds for the core indicator set, the candlestick patterns and the technical analysis, compared with direct calls
//! to the ta-lib crate.
//!
//!     cargo run --release -p analysis --example core_set
//!
//! Prices are a seeded random walk: the cost of these indicators depends only on the number of bars.
#![expect(clippy::print_stdout, reason = "it exists to print its measurement")]

use std::hint::black_box;
use std::time::Instant;

use analysis::indicators::{IndicatorSpec, IndicatorState, compute};
use analysis::technical::technical;
use analysis::{AnalysisInput, patterns};
use domain::{Bars, BarsView, Date, RawBar, Symbol};
use ta_lib::{Core, MAType};

/// Number of calls for a median.
const RUNS: usize = 401;

/// The 17 calls and 22 outputs of the core set.
const CORE: &str = "sma:20,sma:50,sma:200,ema:12,ema:26,rsi:14,macd,bbands:20:2,adx:14,plus_di:14,minus_di:14,\
                    atr:14,stoch:14:3:3,obv,cci:20,mfi:14,willr:14";

fn main() {
    let specs = IndicatorSpec::parse_list(CORE).expect("the list is right");
    println!("{:44} {:>8} {:>12} {:>12}", "", "bars", "ours µs", "ta-lib µs");
    for bars in [252, 500, 2_520, 100_000] {
        let walk = walk(bars);
        let view = walk.view();
        let ours = median_us(bars, || {
            for spec in &specs {
                black_box(compute(spec, &view));
            }
        });
        row("core set, full series", bars, ours, Some(median_us(bars, || talib_core(&view))));
    }
    for bars in [252, 500, 2_520, 100_000] {
        let walk = walk(bars);
        let view = walk.view();
        let symbol: Symbol = "WALK".parse().expect("it is a symbol");
        let input = AnalysisInput::daily(&symbol, view, view);
        row(
            "technical: newest row, votes, patterns",
            bars,
            median_us(bars, || drop(black_box(technical(&input)))),
            None,
        );
        row(
            "  of which 61 patterns, newest 5 bars",
            bars,
            median_us(bars, || drop(black_box(patterns::newest(&view)))),
            None,
        );
        let analysis = technical(&input);
        let mut out = Vec::with_capacity(1 << 16);
        let json = median_us(1, || {
            out.clear();
            serde_json::to_writer(&mut out, black_box(&analysis)).expect("a vector takes every byte");
        });
        row(&format!("  writing it as JSON, {} bytes", out.len()), bars, json, None);
    }
    appends(&specs);
}

fn appends(specs: &[IndicatorSpec]) {
    let walk = walk(2_520);
    let view = walk.view();
    let mut states: Vec<_> = specs.iter().filter_map(|spec| IndicatorState::from_bars(spec, &view)).collect();
    let us = median_us(1, || {
        for i in 0..100 {
            let bar = view.bar(i);
            for state in &mut states {
                black_box(state.append(&bar));
            }
        }
    });
    row("core set, append one bar", 2_520, us / 100.0, None);
}

fn row(what: &str, bars: usize, ours: f64, baseline: Option<f64>) {
    let baseline = baseline.map_or_else(String::new, |us| format!("{us:.2}"));
    println!("{what:44} {bars:>8} {ours:>12.2} {baseline:>12}");
}

/// Median time of one call; fewer calls for many bars.
fn median_us(bars: usize, mut call: impl FnMut()) -> f64 {
    let runs = if bars > 10_000 { RUNS / 20 } else { RUNS };
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The same 17 calls made directly, into fresh buffers.
fn talib_core(bars: &BarsView<'_>) {
    let core = Core::new();
    let BarsView { date: _, open: _, high, low, close, volume } = *bars;
    let last = close.len() - 1;
    let buffer = || vec![0.0; close.len()];
    let (mut a, mut b, mut c) = (buffer(), buffer(), buffer());
    for period in [20, 50, 200] {
        let _ = black_box(core.sma(0, last, close, period, &mut a));
    }
    for period in [12, 26] {
        let _ = black_box(core.ema(0, last, close, period, &mut a));
    }
    let _ = black_box(core.rsi(0, last, close, 14, &mut a));
    let _ = black_box(core.macd(0, last, close, 12, 26, 9, &mut a, &mut b, &mut c));
    let _ = black_box(core.bbands(0, last, close, 20, 2.0, 2.0, MAType::SMA, &mut a, &mut b, &mut c));
    let _ = black_box(core.adx(0, last, high, low, close, 14, &mut a));
    let _ = black_box(core.plus_di(0, last, high, low, close, 14, &mut a));
    let _ = black_box(core.minus_di(0, last, high, low, close, 14, &mut a));
    let _ = black_box(core.atr(0, last, high, low, close, 14, &mut a));
    let sma = MAType::SMA;
    let _ = black_box(core.stoch(0, last, high, low, close, 14, 3, sma, 3, sma, &mut a, &mut b));
    let _ = black_box(core.obv(0, last, close, volume, &mut a));
    let _ = black_box(core.cci(0, last, high, low, close, 20, &mut a));
    let _ = black_box(core.mfi(0, last, high, low, close, volume, 14, &mut a));
    let _ = black_box(core.willr(0, last, high, low, close, 14, &mut a));
}

/// Bars of a walk with steps from a fixed linear congruence.
fn walk(bars: usize) -> Bars {
    let mut state = 42_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut close = 100.0;
    let first = Date::new(1900, 1, 1).expect("it is a day").days();
    let (bars, refused) = Bars::from_raw((0..bars).map(|day| {
        let open = close * (1.0 + 0.01 * (uniform() - 0.5));
        close = open * (1.0 + 0.04 * (uniform() - 0.5));
        let high = open.max(close) * (1.0 + 0.01 * uniform());
        let low = open.min(close) * (1.0 - 0.01 * uniform());
        let volume = (1e6 * (0.5 + uniform())).round();
        let date = Date::from_days(first + day as i32).expect("fewer days than three centuries");
        RawBar { date, open, high, low, close, volume }
    }));
    assert!(refused.is_empty(), "the walk makes bars that hold together");
    bars
}
