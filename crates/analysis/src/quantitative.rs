//! The quantitative engine: return and risk of the bars, alone and against the market, and a score from them.
//!
//! The score only looks back: it rates the return for the risk taken, and predicts nothing. The forecasts of volatility and
//! of falls do not vote.

mod metrics;

use domain::BarsView;

pub use metrics::{DrawdownDates, Quantitative};

use crate::{Absence, AnalysisInput, Driver, Engine, ExcludedDriver, trading};

/// Bars that the engine needs for a score.
const BARS_MIN: usize = 30;

/// Sharpe ratio with a score of 1.
const SHARPE_FULL: f64 = 2.0;
/// Annual arithmetic alpha with a score of 1.
const ALPHA_FULL: f64 = 0.20;
/// Share of the window's returns that the market must cover for alpha to count. The newest week or month is never compared.
const BENCHMARK_SHARE_MIN: f64 = 0.9;
/// Newest bars that the market may lack, such as those since a vendor's last update.
const BENCHMARK_LAG_BARS_MAX: usize = 5;

/// Drawdown with a score of 0.
const DRAWDOWN_MIDDLE: f64 = 0.25;

/// Figures and score of the window.
#[must_use]
pub fn quantitative(input: &AnalysisInput<'_>) -> Engine<Quantitative> {
    let window = input.window();
    let have = window.len();
    if have < 2 {
        return Engine::unavailable(Absence::InsufficientHistory { need: BARS_MIN, have }, None);
    }
    let metrics = Quantitative::new(input);
    if have < BARS_MIN {
        return Engine::unavailable(Absence::InsufficientHistory { need: BARS_MIN, have }, Some(metrics));
    }
    if let Some(reason) = metrics.volatility.absence() {
        return Engine::unavailable(reason, Some(metrics));
    }
    if let Err(reason) = trading::often_enough(window, input.timeframe) {
        return Engine::unavailable(reason, Some(metrics));
    }
    let benchmark = benchmark_covers(&metrics, window);
    Engine::from_drivers(drivers(&metrics, benchmark), Absence::Flat, metrics)
}

fn drivers(metrics: &Quantitative, benchmark: Result<(), Absence>) -> [Result<Driver, ExcludedDriver>; 3] {
    [
        Driver::new(
            "sharpe_ratio",
            metrics.sharpe_ratio.outcome(),
            "value / 2, clamped to -1..1",
            0.5,
            |sharpe| sharpe / SHARPE_FULL,
        ),
        Driver::new(
            "alpha_arith",
            benchmark.and(metrics.alpha_arith.outcome()),
            "value / 0.20, clamped to -1..1",
            0.25,
            |alpha| alpha / ALPHA_FULL,
        ),
        Driver::new(
            "max_drawdown",
            metrics.max_drawdown.outcome(),
            "1 + value / 0.25, clamped to -1..1",
            0.25,
            |depth| 1.0 + depth / DRAWDOWN_MIDDLE,
        ),
    ]
}

/// Checks that the market's returns reach the newest bars and cover the window, so that alpha is about the same time as the
/// other drivers.
fn benchmark_covers(metrics: &Quantitative, window: BarsView<'_>) -> Result<(), Absence> {
    let span = metrics.alpha_arith.span();
    // Without a common date, alpha itself is absent.
    let Some(last_common) = span.last_date else { return Ok(()) };
    let (common, returns) = (span.bars_used, window.len() - 1);
    let lag_bars = window.len() - 1 - window.position_since(last_common);
    let is_covered = common as f64 >= BENCHMARK_SHARE_MIN * (returns - 1) as f64;
    if lag_bars > BENCHMARK_LAG_BARS_MAX || !is_covered {
        return Err(Absence::BenchmarkIncomplete { common, returns });
    }
    Ok(())
}
