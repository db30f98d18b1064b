//! Measures how often the overall signal was right.
//!
//! Rules and weights of the signal are constants, so that every signal is point in time. Only the hit rates are fitted, and
//! these are scored walk-forward.

use domain::{BarsView, DatedValues, PriceBasis, Symbol, Timeframe};
use strum::VariantArray as _;

use super::probability_score::{Prediction, score};
use super::rows::{Row, rows, walk_forward};
use super::{EMBARGO_BARS, FitError, Series, rounded};
use crate::analyze::technical_engine;
use crate::confidence::{BandRate, ConfidenceModel, HORIZON_BARS, SignalSkill};
use crate::model_card::ModelCard;
use crate::overall::{EngineName, EngineScore, Overall};
use crate::quantitative::quantitative;
use crate::signal_inputs::SignalInputs;
use crate::{AnalysisInput, Benchmark, Signal};

/// Bars between two signals of one symbol; closer ones hardly differ.
const STEP_BARS: usize = 5;
/// Window of the measured signals: the default of the service for daily bars.
const WINDOW_DAYS: u32 = 365;
/// All votes of the technical engine.
const VOTES: usize = 26;
/// All drivers of the quantitative engine.
const DRIVERS: [&str; 3] = ["sharpe_ratio", "alpha_arith", "max_drawdown"];

/// A signal, and the simple return over the horizon after it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SignalOutcome {
    signal: Signal,
    score: f64,
    change: f64,
}

type Sample = Row<0, SignalOutcome>;

/// Measures the signal of the technical and quantitative engines on `series`.
///
/// # Errors
/// [`FitError::TooFewRows`] when no year can be tested.
pub fn measure_confidence(
    series: &[Series<'_>],
    market: Benchmark<'_>,
    risk_free: &DatedValues,
    data_sha256: &str,
) -> Result<ConfidenceModel, FitError> {
    let inputs = SignalInputs {
        timeframe: Timeframe::Day,
        price_basis: PriceBasis::SplitDividend,
        window_days: WINDOW_DAYS,
        engines: vec![EngineName::Technical, EngineName::Quantitative],
        votes: VOTES,
        drivers: DRIVERS.map(str::to_owned).to_vec(),
        has_risk_free_rate: true,
    };
    let of_series = |(symbol, one)| signals(symbol, one, &inputs, market, risk_free);
    let samples: Vec<Sample> = series.iter().enumerate().flat_map(of_series).collect();
    let predict = |train: &[Sample], test: &[Sample]| {
        let bands = rates(train);
        Ok(test.iter().filter_map(|sample| predicted(&bands, sample)).collect())
    };
    let (walk_forward, walk_forward_by_year, _) = walk_forward(&samples, predict, score)?;
    let first_date = samples.iter().map(|row| row.date).min().ok_or(FitError::TooFewRows)?;
    let last_date = samples.iter().map(|row| row.date).max().ok_or(FitError::TooFewRows)?;
    let card = ModelCard {
        model: "confidence/2".to_owned(),
        target: "whether the close 21 bars later is higher (buys), lower (sells) or within 5 % (neutral)".to_owned(),
        method: format!(
            "share of hits by band, pulled to the base rate with 20 samples; signals every {STEP_BARS} bars from a window of \
             {WINDOW_DAYS} days, and from all bars before it for indicators"
        ),
        validation: "yearly expanding walk-forward of the rates; skill against the base rate of the band's definition"
            .to_owned(),
        data_sha256: data_sha256.to_owned(),
        symbols: series.iter().map(|series| series.symbol.to_owned()).collect(),
        first_date,
        last_date,
        rows: samples.len(),
        horizon_bars: HORIZON_BARS,
        purge_bars: HORIZON_BARS + EMBARGO_BARS,
        features: vec!["technical score".to_owned(), "quantitative score".to_owned()],
        limits: [
            "horizons overlap: independent samples are samples x step / horizon, and symbols move together",
            "the symbols are companies that survived: buys were right more often than they will be",
            "fundamental and sentiment engines could not be measured: neither filings nor news of those years are bundled",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let pairs: Vec<(f64, f64)> = samples.iter().map(|row| (row.outcome.score, row.outcome.change)).collect();
    let skill = SignalSkill::measured(&pairs, STEP_BARS);
    Ok(ConfidenceModel {
        card,
        inputs,
        step_bars: STEP_BARS,
        bands: rates(&samples),
        skill: SignalSkill {
            effective_samples: rounded(skill.effective_samples),
            correlation: rounded(skill.correlation),
            standard_error: rounded(skill.standard_error),
            ..skill
        },
        walk_forward,
        walk_forward_by_year,
    })
}

/// The signal at every fifth bar at which it has all `inputs`, and its outcome.
fn signals(
    symbol: usize,
    series: &Series<'_>,
    inputs: &SignalInputs,
    market: Benchmark<'_>,
    risk_free: &DatedValues,
) -> Vec<Sample> {
    let Ok(name) = series.symbol.parse::<Symbol>() else { return Vec::new() };
    let bars = series.bars;
    rows(symbol, series, HORIZON_BARS, |at| {
        if at % STEP_BARS != 0 {
            return None;
        }
        let score = score_of(&name, bars.range(0..at + 1), inputs, market, risk_free)?;
        let change = bars.close[at + HORIZON_BARS] / bars.close[at] - 1.0;
        Some(([], SignalOutcome { signal: Signal::from_score(score), score, change }))
    })
}

/// The overall score as of the newest of `bars`, if it has all `inputs`.
fn score_of(
    symbol: &Symbol,
    bars: BarsView<'_>,
    inputs: &SignalInputs,
    market: Benchmark<'_>,
    risk_free: &DatedValues,
) -> Option<f64> {
    let since = bars.date.last()?.minus_days(inputs.window_days - 1);
    let input = AnalysisInput {
        window_start: bars.position_since(since),
        benchmark: Some(market),
        risk_free: Some(risk_free),
        ..AnalysisInput::daily(symbol, bars, bars)
    };
    let (technical, quantitative) = (technical_engine(&input), quantitative(&input));
    let overall = Overall::from_scores(&[
        EngineScore::new(EngineName::Technical, &technical),
        EngineScore::new(EngineName::Quantitative, &quantitative),
    ]);
    overall.score.filter(|_| inputs.differences(&input, &overall, &technical, &quantitative).is_empty())
}

/// Hit rates of all seven bands.
fn rates(samples: &[Sample]) -> Vec<BandRate> {
    let rate = |signal: Signal| {
        let right = |row: &&Sample| signal.is_right_about(row.outcome.change);
        let base = samples.iter().filter(right).count() as f64 / samples.len().max(1) as f64;
        let in_band = || samples.iter().filter(|row| row.outcome.signal == signal);
        let band =
            BandRate::measured(signal, in_band().filter(right).count(), in_band().count(), STEP_BARS, base);
        BandRate {
            effective_samples: rounded(band.effective_samples),
            hit_rate: band.hit_rate.map(rounded),
            base_rate: rounded(band.base_rate),
            shrunk_hit_rate: rounded(band.shrunk_hit_rate),
            ..band
        }
    };
    Signal::VARIANTS.iter().copied().map(rate).collect()
}

fn predicted(bands: &[BandRate], row: &Sample) -> Option<Prediction> {
    let SignalOutcome { signal, change, score: _ } = row.outcome;
    let band = bands.iter().find(|band| band.signal == signal)?;
    Some(Prediction {
        chance: band.shrunk_hit_rate,
        base_rate: band.base_rate,
        happened: signal.is_right_about(change),
    })
}
