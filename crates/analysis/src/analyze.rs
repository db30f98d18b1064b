//! The complete analysis of one equity.

use domain::{Date, Symbol, Timeframe};
use serde::Serialize;
use utoipa::ToSchema;

use crate::confidence::Confidence;
use crate::explanation::{explanation, recommendation};
use crate::fall_risk::FallRisk;
use crate::fundamental::{Fundamental, fundamental};
use crate::overall::{Contribution, EngineName, EngineScore, MissingEngine, Overall};
use crate::quantitative::{Quantitative, quantitative};
use crate::sentiment::{Sentiment, sentiment};
use crate::technical::{Technical, technical};
use crate::volatility::VolatilityForecast;
use crate::{Absence, AnalysisInput, Engine, Models, RecursiveIndicators, Signal, trading};

/// Newest bars on which an equity must be traded often enough for the technical engine: those of the longest simple mean.
const TRADING_BARS: usize = 200;
/// Bars that the technical engine needs for a score.
const TECHNICAL_BARS_MIN: usize = 50;

/// The analysis of one equity as of its newest bar. Bars, rates, filings and news of later dates do not change it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Analysis {
    /// The ticker.
    #[schema(value_type = String)]
    pub symbol: Symbol,
    /// Time that one bar covers: `1d`, `1w` or `1M`.
    #[schema(value_type = String)]
    pub timeframe: Timeframe,
    /// Date of the newest bar; null without bars.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
    /// Number of bars of the window. Return and risk are those of the window; indicators and forecasts also use the bars before it,
    /// so that they are the same for every window, and say so.
    pub bars_used: usize,
    /// Date of the first bar of the window.
    #[schema(value_type = Option<String>, format = Date)]
    pub first_date: Option<Date>,
    /// Corporate actions that prices are adjusted for: `raw`, `split` or `split_dividend`.
    pub price_basis: &'static str,
    /// Newest close, as traded. The technical metrics have the high and low of the year, adjusted for splits; support and
    /// resistance are levels of adjusted prices.
    pub current_price: Option<f64>,
    /// The overall signal; null when no engine has a score.
    pub overall_signal: Option<Signal>,
    /// The overall score, -1 to 1.
    pub overall_score: Option<f64>,
    /// How often such signals were right; see `confidence`.
    pub overall_confidence: Option<f64>,
    /// The signal, and what is known of the skill of such signals.
    pub recommendation: String,
    /// The parts of the signal, in sentences.
    pub explanation: Vec<String>,
    /// The parts of the signal, in numbers.
    pub contributions: Vec<Contribution>,
    /// Engines without a score, and why.
    pub missing: Vec<MissingEngine>,
    /// Derivation of the confidence.
    pub confidence: Confidence,
    /// Indicators, patterns, votes.
    pub technical: Engine<Technical>,
    /// What the company filed.
    pub fundamental: Engine<Fundamental>,
    /// Return and risk.
    pub quantitative: Engine<Quantitative>,
    /// Tones of news.
    pub sentiment: Engine<Sentiment>,
    /// Forecasts, which do not vote.
    pub models: Forecasts,
}

/// Forecasts of the fitted models.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Forecasts {
    /// Probabilities of a fall.
    pub fall_risk: FallRisk,
    /// Forecast of volatility.
    pub volatility: VolatilityForecast,
    /// Why there is no forecast of direction.
    pub direction: DirectionForecast,
}

/// The forecast of direction, which is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DirectionForecast {
    /// Always `not_offered`.
    pub status: &'static str,
    /// Why it is not offered.
    pub reason: &'static str,
}

const NO_DIRECTION: DirectionForecast = DirectionForecast {
    status: "not_offered",
    reason: "logistic and tree models of direction 1, 5 and 21 days ahead were measured on the bundled sample (24 \
             features, yearly walk-forward 2004-2013, about 8,700 rows): AUC 0.42 to 0.51, and a Brier score always \
             worse than the base rate",
};

/// Analyses one equity.
#[must_use]
pub fn analyze(input: &AnalysisInput<'_>, models: &Models) -> Analysis {
    let computed;
    let indicators = match input.indicators.filter(|indicators| indicators.is_of(input.bars)) {
        Some(indicators) => indicators,
        None => {
            computed = RecursiveIndicators::new(input.bars);
            &computed
        }
    };
    let input = &AnalysisInput { indicators: Some(indicators), ..*input };
    let technical = technical_engine(input);
    let fundamental = fundamental(input);
    let quantitative = quantitative(input);
    let sentiment = sentiment(input);
    let overall = Overall::from_scores(&[
        EngineScore::new(EngineName::Technical, &technical),
        EngineScore::new(EngineName::Fundamental, &fundamental),
        EngineScore::new(EngineName::Quantitative, &quantitative),
        EngineScore::new(EngineName::Sentiment, &sentiment),
    ]);
    let measured = &models.confidence.inputs;
    let differences = measured.differences(input, &overall, &technical, &quantitative);
    let confidence = models.confidence.confidence(&overall, differences);
    let window = input.window().date;
    Analysis {
        symbol: *input.symbol,
        timeframe: input.timeframe,
        as_of: input.bars.date.last().copied(),
        bars_used: window.len(),
        first_date: window.first().copied(),
        price_basis: input.price_basis.as_str(),
        current_price: input.traded_close,
        overall_signal: overall.signal(),
        overall_score: overall.score,
        overall_confidence: confidence.value,
        recommendation: recommendation(&overall, &confidence),
        explanation: explanation(&overall, &confidence),
        contributions: overall.contributions,
        missing: overall.missing,
        confidence,
        technical,
        fundamental,
        quantitative,
        sentiment,
        models: Forecasts {
            fall_risk: models.fall_risk.estimate(input),
            volatility: models.volatility.forecast(input),
            direction: NO_DIRECTION,
        },
    }
}

/// The technical block as an engine, whose score is that of the rating.
pub(crate) fn technical_engine(input: &AnalysisInput<'_>) -> Engine<Technical> {
    let have = input.bars.len();
    let metrics = technical(input);
    // A moving average that equals a flat price would count as neutral, although nothing moved.
    let is_flat = input.bars.close.iter().all(|close| input.bars.close.first() == Some(close));
    match metrics.rating.score.filter(|_| !is_flat) {
        _ if have < TECHNICAL_BARS_MIN => {
            let reason = Absence::InsufficientHistory { need: TECHNICAL_BARS_MIN, have };
            Engine::unavailable(reason, Some(metrics))
        }
        None => Engine::unavailable(Absence::Flat, Some(metrics)),
        Some(score) => {
            let newest = input.bars.from(have.saturating_sub(TRADING_BARS));
            match trading::often_enough(newest, input.timeframe) {
                Ok(()) => Engine::available(score, Vec::new(), metrics),
                Err(reason) => Engine::unavailable(reason, Some(metrics)),
            }
        }
    }
}
