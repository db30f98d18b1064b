//! One equity's whole analysis.

use domain::{Date, Symbol, Timeframe};
use serde::Serialize;
use utoipa::ToSchema;

use crate::confidence::Confidence;
use crate::fall_risk::FallRisk;
use crate::fundamental::{Fundamental, fundamental};
use crate::overall::{self, Contribution, EngineName, MissingEngine, Overall, Voice};
use crate::quantitative::{Quantitative, quantitative};
use crate::sentiment::{Sentiment, sentiment};
use crate::technical::{Technical, technical};
use crate::volatility::VolatilityForecast;
use crate::{Absence, Engine, Models, Signal, Subject};

/// Bars below which the technical engine does not speak.
pub const TECHNICAL_BARS_MIN: usize = 50;

/// Everything that is known of one equity as of its newest bar. Depends on the subject and the models alone: bars, rates,
/// filings and news of later dates change nothing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Analysis {
    /// Whose.
    #[schema(value_type = String)]
    pub symbol: Symbol,
    /// What one bar covers: `1d`, `1w` or `1M`.
    #[schema(value_type = String)]
    pub timeframe: Timeframe,
    /// Date of the newest bar; null without bars.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
    /// Number of bars.
    pub bars_used: usize,
    /// Date of the first.
    #[schema(value_type = Option<String>, format = Date)]
    pub first_date: Option<Date>,
    /// What their prices are adjusted for: `raw`, `split` or `split_dividend`.
    pub price_basis: &'static str,
    /// Newest close, as traded. The year's high and low, as traded where the source has them so, are among the
    /// technical metrics; support and resistance there are levels of adjusted prices.
    pub current_price: Option<f64>,
    /// The signal; null when no engine speaks.
    pub overall_signal: Option<Signal>,
    /// The score behind it, -1 to 1.
    pub overall_score: Option<f64>,
    /// How often such signals were right; see `confidence`.
    pub overall_confidence: Option<f64>,
    /// The signal in one sentence.
    pub recommendation: String,
    /// What it is made of, in sentences.
    pub explanation: Vec<String>,
    /// What it is made of, in numbers.
    pub contributions: Vec<Contribution>,
    /// Engines that did not speak, and why.
    pub missing: Vec<MissingEngine>,
    /// Where the confidence comes from.
    pub confidence: Confidence,
    /// Indicators, patterns, votes.
    pub technical: Engine<Technical>,
    /// What the company filed.
    pub fundamental: Engine<Fundamental>,
    /// Return and risk.
    pub quantitative: Engine<Quantitative>,
    /// Tones of news.
    pub sentiment: Engine<Sentiment>,
    /// Forecasts. None of them votes.
    pub models: Forecasts,
}

/// What the fitted models say.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Forecasts {
    /// Chances of a fall.
    pub fall_risk: FallRisk,
    /// Volatility ahead.
    pub volatility: VolatilityForecast,
    /// Why there is no forecast of direction.
    pub direction: Direction,
}

/// The model that is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Direction {
    /// Always `not_offered`.
    pub status: &'static str,
    /// Why.
    pub reason: &'static str,
}

const NO_DIRECTION: Direction = Direction {
    status: "not_offered",
    reason: "logistic and tree models of direction 1, 5 and 21 days ahead were measured on the bundled sample (24 \
             features, yearly walk-forward 2004-2013, about 8,700 rows): AUC 0.42 to 0.51, and a Brier score always \
             worse than the base rate",
};

/// Analyses `subject`.
#[must_use]
pub fn analyze(subject: &Subject<'_>, models: &Models) -> Analysis {
    let technical = technical_engine(subject);
    let fundamental = fundamental(subject);
    let quantitative = quantitative(subject);
    let sentiment = sentiment(subject);
    let overall = Overall::of(&[
        Voice::of(EngineName::Technical, &technical),
        Voice::of(EngineName::Fundamental, &fundamental),
        Voice::of(EngineName::Quantitative, &quantitative),
        Voice::of(EngineName::Sentiment, &sentiment),
    ]);
    let confidence = models.confidence.confidence(&overall, subject.timeframe);
    let span = subject.span();
    Analysis {
        symbol: *subject.symbol,
        timeframe: subject.timeframe,
        as_of: span.last_date,
        bars_used: span.bars_used,
        first_date: span.first_date,
        price_basis: span.price_basis.as_str(),
        current_price: subject.raw.close.last().copied(),
        overall_signal: overall.signal(),
        overall_score: overall.score,
        overall_confidence: confidence.value,
        recommendation: overall::recommendation(&overall),
        explanation: overall::explanation(&overall, &confidence),
        contributions: overall.contributions,
        missing: overall.missing,
        confidence,
        technical,
        fundamental,
        quantitative,
        sentiment,
        models: Forecasts {
            fall_risk: models.fall_risk.estimate(subject),
            volatility: models.volatility.forecast(subject),
            direction: NO_DIRECTION,
        },
    }
}

/// The technical block as an engine: its score is the rating's.
#[must_use]
pub(crate) fn technical_engine(subject: &Subject<'_>) -> Engine<Technical> {
    let have = subject.bars.len();
    let metrics = technical(subject);
    // A moving average that equals a standing price would count as neutral; nothing moved, so nothing is said.
    let is_flat = subject.bars.close.iter().all(|close| subject.bars.close.first() == Some(close));
    match metrics.rating.score.filter(|_| !is_flat) {
        _ if have < TECHNICAL_BARS_MIN => {
            let reason = Absence::InsufficientHistory { need: TECHNICAL_BARS_MIN, have };
            Engine::unavailable(reason, Some(metrics))
        }
        None => Engine::unavailable(Absence::Flat, Some(metrics)),
        Some(score) => Engine::available(score, Vec::new(), metrics),
    }
}
